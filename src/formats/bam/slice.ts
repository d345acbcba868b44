import { bgzfBlocks, bgzfEnd } from '../../compression/bgzf-writer.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range, rangeLength } from '../../range.js'
import type { ByteStream } from '../../storage/store.js'
import type { Index, JsonObject, ReadContext, Reading } from '../format.js'
import { isLineEdges } from '../shared/line-edges.js'
import {
  headerRanges,
  isRepeatedHeader,
  type RepeatedHeader,
  readHeader,
  repeatHeader,
} from '../shared/repeated-header.js'
import { type RecordBatch, recordBatches, selectRecords } from './batches.js'
import { recordBlocks } from './record-blocks.js'
import { locateRecords } from './record-index.js'
import { type BamRegionSlice, isBamRegionSlice, readRegionRecords } from './region.js'

/** A record as @gmod/bam has it: `name`, `flags`, `ref_id`, `start`, `CIGAR`, `seq`, `qual`, `tags` and so on. */
export type BamRecord = import('@gmod/bam').BamRecord

/**
 * The records `[records[0], records[1])`: after the first `skip` of those in `range`. They end after record number
 * `tail[1]` from offset `tail[0]` on, or with `range`. All but the first slice of an object repeat its header; the
 * first has it at the start of its range, `bodyOffset` bytes.
 */
export type RecordSlice = RepeatedHeader & {
  readonly records: Range
  readonly range: Range
  readonly skip: number
  readonly tail?: readonly [offset: number, records: number]
  readonly bodyOffset?: number
}

export type BamSlice = RecordSlice | BamRegionSlice

/** A slice for each run of records. The runs follow one another from record 0 to the last; those at the end may be empty. */
export async function recordSlices(
  index: Index<{ readonly totalRecords: number; readonly bodyOffset: number }>,
  runs: readonly Range[],
): Promise<RecordSlice[]> {
  const { totalRecords, bodyOffset } = index.attributes
  const filled = runs.filter(([first]) => first < totalRecords)
  const starts = await locateRecords(
    index,
    filled.map(([first]) => first),
  )
  const header = await repeatHeader(await index.section('bam-header'))
  return runs.map((records, i): RecordSlice => {
    const start = starts[i]
    const next = starts[i + 1]
    const edges = {
      range: [start?.offset ?? index.size, index.size] as Range,
      skip: start?.skip ?? 0,
      ...(next && { range: [start?.offset ?? 0, next.skip === 0 ? next.offset : next.end] as Range }),
      ...(next && next.skip > 0 ? { tail: [next.offset, next.skip] as const } : {}),
    }
    if (i === 0) return { records, ...edges, range: [0, edges.range[1]], bodyOffset }
    return { records, ...edges, ...header(rangeLength(edges.range) === 0) }
  })
}

export function bamRanges(slice: BamSlice): readonly Range[] {
  return [...headerRanges(slice), ...('region' in slice ? slice.ranges : [slice.range])]
}

/** @throws INVALID_SLICE when `slice` is not what the strategies make */
export function readBam(slice: BamSlice, context: ReadContext): Reading<Uint8Array> {
  const { main } = context
  const fits = 'region' in slice ? isBamRegionSlice(slice, main.size) : isRecordSlice(slice, main.size)
  if (!fits || !isRepeatedHeader(slice, main.size)) {
    throw new DataplugError('INVALID_SLICE', `${excerpt(slice)} is not a BAM slice of ${main.uri}`, {
      uri: main.uri,
    })
  }
  const batches = () => ('region' in slice ? readRegionRecords(slice, context) : readRecords(slice, context))
  return {
    bytes: () => bamOf(slice, batches, context),
    async *records() {
      const { BamRecord } = await import('@gmod/bam')
      for await (const { bytes, starts, offset } of batches()) {
        // Records look at the whole buffer below their array.
        const byteArray = bytes.slice()
        for (let i = 0; i + 1 < starts.length; i++) {
          const start = starts[i] as number
          // Its `end` is that of the last byte.
          const end = (starts[i + 1] as number) - 1
          yield new BamRecord({ bytes: { start, end, byteArray }, fileOffset: offset + start })
        }
      }
    },
    ...('region' in slice ? {} : { extent: () => extentOf(slice, context) }),
  }
}

function readRecords(slice: RecordSlice, { main }: ReadContext): AsyncGenerator<RecordBatch> {
  const { records, range, skip, bodyOffset = 0 } = slice
  const from = range[0] + bodyOffset
  const stream = from < range[1] ? main.read([from, range[1]]) : nothing()
  return selectRecords(recordBatches(stream, from, main.uri), skip, rangeLength(records), main.uri)
}

/** The header, if it is repeated, and the records, each in blocks of their own; then the block that ends a file. */
async function* bamOf(
  slice: BamSlice,
  batches: () => AsyncIterable<RecordBatch>,
  { main, core }: ReadContext,
): AsyncGenerator<Uint8Array> {
  const isEmpty = 'region' in slice ? slice.ranges.length === 0 : rangeLength(slice.range) === 0
  async function* header() {
    if (slice.header) yield { content: await readHeader(slice, main, isEmpty) }
  }
  async function* selected() {
    for await (const { bytes } of batches()) yield { content: bytes }
  }
  yield* bgzfBlocks(header(), core.crc32)
  yield* bgzfBlocks(
    'region' in slice ? selected() : recordBlocks(slice, slice.header === undefined, main),
    core.crc32,
  )
  yield bgzfEnd()
}

async function* nothing(): ByteStream & AsyncGenerator<Uint8Array> {}

/** Follows the records before the first and before the end only. */
async function extentOf(slice: RecordSlice, { main }: ReadContext): Promise<Range> {
  const { range, skip, tail, bodyOffset } = slice
  const after = async (offset: number, records: number) => {
    if (records === 0) return offset
    let left = records
    for await (const { starts, offset: at } of recordBatches(
      main.read([offset, range[1]]),
      offset,
      main.uri,
    )) {
      if (left < starts.length) return at + (starts[left] as number)
      left -= starts.length - 1
    }
    throw new DataplugError('INVALID_SLICE', `${main.uri} has fewer records than the slice says`, {
      uri: main.uri,
    })
  }
  const start = bodyOffset === undefined ? await after(range[0], skip) : 0
  return [start, tail ? await after(...tail) : range[1]]
}

function isRecordSlice(slice: RecordSlice, size: number): boolean {
  const { records, range, skip, bodyOffset, header } = slice
  if (!isRange(records) || !isLineEdges(slice, size)) return false
  if (bodyOffset === undefined) return header !== undefined
  const isInside = Number.isSafeInteger(bodyOffset) && bodyOffset >= 0 && bodyOffset <= range[1]
  return isInside && range[0] === 0 && skip === 0 && header === undefined
}

function excerpt(slice: JsonObject): string {
  const text = JSON.stringify(slice)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
