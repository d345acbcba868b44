import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { type Range, splitBySize, splitEvenly } from '../range.js'
import {
  type Built,
  type Chunk,
  defineFormat,
  defineStrategy,
  type MergeContext,
  type Part,
  type Source,
} from './format.js'
import { findBinningIndex } from './shared/binning-index-file.js'
import { lineCounter, mergeLines } from './shared/line-index.js'
import { sizePerSlice, sliceCount } from './shared/params.js'
import { type RestStrategy, splitWithRest } from './shared/rest.js'
import { cutSlice, lineSlices } from './shared/text-slice.js'
import { attributesOf, type VcfAttributes } from './vcf/attributes.js'
import { HeaderReader } from './vcf/header.js'
import { planRegions } from './vcf/region.js'
import { readVcf, type VcfSlice, vcfRanges, withHeader } from './vcf/slice.js'

export type { RestStrategy } from './shared/rest.js'
export type { VcfAttributes } from './vcf/attributes.js'
export type { VcfContig, VcfMeta } from './vcf/header.js'
export type { VcfSlice } from './vcf/slice.js'

/**
 * Variant Call Format (VCF 4.x), plain or compressed. Each slice is a VCF of its own: the object's header and whole
 * records. `get()` gives its text, `records()` what @gmod/vcf parses. Preprocessing reads the header into
 * attributes and counts lines; MALFORMED_DATA when there is no header.
 */
export const VCF = defineFormat<'vcf', VcfAttributes, VcfSlice, string>({
  name: 'vcf',
  version: 1,
  module: import.meta.url,
  extensions: ['.vcf'],
  sniff: (head) => /^(?:\u00ef\u00bb\u00bf)?##fileformat=VCF/.test(new TextDecoder('latin1').decode(head)),
  scan,
  merge,
  ranges: vcfRanges,
  read: readVcf,
})

/** Exactly `numChunks` slices of equal size, moved so that no record is cut. */
export const partitionNumChunks = defineStrategy(
  VCF,
  'partitionNumChunks',
  (index, { numChunks, padding }: { readonly numChunks: number; readonly padding?: number }) => {
    const { bodyOffset } = index.attributes
    const ranges = splitEvenly(index.size - bodyOffset, sliceCount('numChunks', numChunks))
    return withHeader(index, fromBody(ranges, bodyOffset).map(cutSlice('lines', padding)))
  },
)

/** Slices of about `chunkSize` bytes of records, moved so that no record is cut. */
export const partitionChunkSize = defineStrategy(
  VCF,
  'partitionChunkSize',
  (index, { chunkSize, padding }: { readonly chunkSize: number; readonly padding?: number }) => {
    const { bodyOffset } = index.attributes
    const size = index.size - bodyOffset
    const ranges = splitBySize(size, sizePerSlice('chunkSize', chunkSize, size))
    return withHeader(index, fromBody(ranges, bodyOffset).map(cutSlice('lines', padding)))
  },
)

/**
 * Slices of exactly `recordsPerChunk` records. The last has the rest (`expand`, the default), or what is less than
 * `recordsPerChunk` is added to the last full one (`merge`).
 */
export const partitionChunkRecords = defineStrategy(
  VCF,
  'partitionChunkRecords',
  async (index, params: { readonly recordsPerChunk: number; readonly strategy?: RestStrategy }) => {
    const { totalRecords, headerLines } = index.attributes
    const runs = splitWithRest('recordsPerChunk', totalRecords, params.recordsPerChunk, params.strategy)
    return withHeader(index, await lineSlices(index, fromBody(runs, headerLines)))
  },
)

/**
 * A slice for each region, with the records that overlap it, as `tabix` and `bcftools view -r` find them. Needs a
 * `.tbi` or `.csi` beside the object when it is preprocessed, and BGZF.
 *
 * @param regions `chr1`, `chr1:1000-2000` or `chr1:1000-`: positions from 1, both ends included
 * @throws INVALID_ARGUMENT for a region that is none, or of an unknown sequence; UNSUPPORTED without such an index
 */
export const partitionRegions = defineStrategy(
  VCF,
  'partitionRegions',
  (index, { regions }: { readonly regions: readonly string[] }) => planRegions(index, regions),
)

/** Ranges of what follows the header as ranges of the object; the first has the header. */
function fromBody(ranges: readonly Range[], header: number): Range[] {
  const moved = ranges.map(([start, end]): Range => [start + header, end + header])
  const [first] = moved
  return [[0, first?.[1] ?? header], ...moved.slice(1)]
}

/** Only the first chunk looks at the header, past its end when it must. */
async function scan(chunk: Chunk, core: Core): Promise<Part> {
  const { source, range, linesKnown, compressed } = chunk
  const [start, end] = range
  const header = start === 0 ? new HeaderReader(source.uri) : undefined
  const lines = linesKnown ? undefined : lineCounter(range, core)
  if (!header && !lines) return { start, end }
  for await (const piece of chunk.stream()) {
    header?.push(piece)
    lines?.update(piece)
    if (!lines && header?.done) break
  }
  const counted = { start, end, ...lines?.finish() }
  if (!header) return counted
  await finishHeader(header, source, end)
  const bytes = header.finish()
  const found = compressed ? await findBinningIndex(chunk, ['.csi', '.tbi']) : undefined
  return {
    ...counted,
    header: bytes,
    headerLines: header.lines,
    ...(found ? { binning: found.bytes, binningName: found.name } : {}),
  }
}

const FIRST_STEP = 64 << 10
const LAST_STEP = 4 << 20

async function finishHeader(header: HeaderReader, source: Source, from: number): Promise<void> {
  let step = FIRST_STEP
  for (let at = from; !header.done && at < source.size; step = Math.min(step * 4, LAST_STEP)) {
    const next = Math.min(at + step, source.size)
    header.push(await source.bytes([at, next]))
    at = next
  }
}

type FirstPart = {
  readonly header: Uint8Array
  readonly headerLines: number
  readonly binning?: Uint8Array
  readonly binningName?: string
}

function merge(parts: readonly Part[], { uri, lines }: MergeContext): Built<VcfAttributes> {
  const [first] = parts as readonly (Part & Partial<FirstPart>)[]
  const { header, headerLines = 0, binning, binningName } = first ?? {}
  if (!header) {
    throw new DataplugError('MALFORMED_DATA', `${uri} is empty: a VCF has at least a header`, {
      uri,
      offset: 0,
    })
  }
  const counted = lines ? undefined : mergeLines(parts)
  const { totalLines } = lines ?? (counted as Built<{ totalLines: number }>).attributes
  return {
    attributes: attributesOf(header, headerLines, totalLines, binningName),
    sections: {
      'vcf-header': header,
      ...(binning ? { 'binning-index': binning } : {}),
      ...counted?.sections,
    },
  }
}
