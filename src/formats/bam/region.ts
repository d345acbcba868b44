import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Index, ReadContext } from '../format.js'
import { contentRanges, openBinningIndex } from '../shared/binning-index-file.js'
import { isRegion, parseRegion, type Region } from '../shared/region.js'
import { type RepeatedHeader, repeatHeader } from '../shared/repeated-header.js'
import { type RecordBatch, recordBatches } from './batches.js'
import { parseBamHeader } from './header.js'
import { positionsOf } from './record.js'

/** The records that overlap a region of reference number `reference`; they lie in `ranges`, with others. */
export type BamRegionSlice = RepeatedHeader & {
  readonly region: Region
  readonly reference: number
  readonly ranges: readonly Range[]
}

export async function planBamRegions(
  index: Index<{ readonly regionIndex?: string }>,
  regions: readonly string[],
): Promise<BamRegionSlice[]> {
  const binning = await openBinningIndex(index, index.attributes.regionIndex, '.bai or .csi')
  if (!Array.isArray(regions)) {
    throw new DataplugError('INVALID_ARGUMENT', 'regions must be an array of texts like chr1:1000-2000')
  }
  const header = await index.section('bam-header')
  // The attributes leave out what is too long.
  const { references } = parseBamHeader(header)
  if (binning.referenceCount > references.length) {
    const message = `${index.attributes.regionIndex} has more references than ${index.uri}: it is of another object`
    throw new DataplugError('INVALID_INDEX', message, { uri: index.uri })
  }
  const numbers = new Map(references.map(({ name }, i) => [name, i]))
  const parsed = regions.map((text) => parseRegion(text, (name) => numbers.has(name)))
  const numberOf = ({ name }: Region) => numbers.get(name) ?? 0
  const found = parsed.map((region) => binning.query(numberOf(region), region.start, region.end))
  const ranges = await contentRanges(index, found)
  const repeated = await repeatHeader(header)
  return parsed.map((region, i) => {
    const own = ranges[i] ?? []
    return { region, reference: numberOf(region), ranges: own, ...repeated(own.length === 0) }
  })
}

export function isBamRegionSlice(slice: BamRegionSlice, size: number): boolean {
  const { region, reference, ranges, header } = slice
  if (header === undefined || !isRegion(region) || !Array.isArray(ranges)) return false
  if (!Number.isSafeInteger(reference) || reference < 0) return false
  return ranges.every((range: unknown) => isRange(range) && range[1] <= size)
}

export async function* readRegionRecords(
  { region, reference, ranges }: BamRegionSlice,
  { main }: ReadContext,
): AsyncGenerator<RecordBatch> {
  for (const range of ranges) {
    for await (const batch of recordBatches(main.read(range), range[0], main.uri)) {
      const { bytes, starts, offset } = batch
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      let run: number[] = []
      for (let i = 0; i + 1 < starts.length; i++) {
        const start = starts[i] as number
        const [own, from, to] = positionsOf(view, start)
        // In order of position, so nothing that follows overlaps.
        const isAfter = own === reference && from >= region.end
        const isInside = own === reference && !isAfter && to > region.start
        if (isInside) {
          if (run.length === 0) run.push(start)
          run.push(starts[i + 1] as number)
        }
        if (run.length > 0 && (!isInside || i + 2 === starts.length)) {
          yield part(bytes, run, offset)
          run = []
        }
        if (isAfter) return
      }
    }
  }
}

function part(bytes: Uint8Array, run: readonly number[], offset: number): RecordBatch {
  const from = run[0] as number
  return {
    bytes: bytes.subarray(from, run[run.length - 1]),
    starts: run.map((start) => start - from),
    offset: offset + from,
  }
}
