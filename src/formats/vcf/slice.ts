import { DataplugError } from '../../errors.js'
import { type Range, rangeLength } from '../../range.js'
import type { ByteStream } from '../../storage/store.js'
import type { Index, JsonObject, ReadContext, Reading } from '../format.js'
import {
  headerRanges,
  isRepeatedHeader,
  type RepeatedHeader,
  readHeader,
  repeatHeader,
} from '../shared/repeated-header.js'
import { firstLine, readText, type TextSlice, textRanges } from '../shared/text-slice.js'
import { parseVariants } from './records.js'
import { isRegionSlice, type RegionSlice, readRegion } from './region.js'

/** Whole records by size or number, or those of a region. All but the slice that starts at 0 repeat the header. */
export type VcfSlice = (TextSlice & RepeatedHeader) | RegionSlice

/** Adds the header to all slices but the first. */
export async function withHeader(
  index: Index<unknown>,
  slices: readonly TextSlice[],
): Promise<(TextSlice & RepeatedHeader)[]> {
  const header = await repeatHeader(await index.section('vcf-header'))
  return slices.map((slice) =>
    firstLine(slice) === 0 ? slice : { ...slice, ...header(rangeLength(slice.range) === 0) },
  )
}

export function vcfRanges(slice: VcfSlice): readonly Range[] {
  return [...headerRanges(slice), ...('region' in slice ? slice.ranges : textRanges(slice))]
}

/** @throws INVALID_SLICE when `slice` is not what the strategies make */
export function readVcf(slice: VcfSlice, context: ReadContext): Reading<string> {
  const { main } = context
  const isRegion = 'region' in slice
  const fits = isRegion ? isRegionSlice(slice, main.size) : slice.header !== undefined || startsObject(slice)
  if (!fits || !isRepeatedHeader(slice, main.size)) {
    throw new DataplugError('INVALID_SLICE', `${excerpt(slice)} is not a VCF slice of ${main.uri}`, {
      uri: main.uri,
    })
  }
  const body = isRegion ? readRegion(slice, context) : readText(slice, context)
  const bytes = () => prefixed(slice, body.bytes, context)
  const text = {
    bytes,
    ...(body.extent && { extent: body.extent }),
    isRepeated: slice.header !== undefined,
    first: isRegion ? undefined : firstLine(slice),
  }
  return {
    ...(body as Reading<never>),
    bytes,
    async *records() {
      for await (const records of parseVariants(text, context)) yield* records
    },
  }
}

/** A slice without a header must be the first. Its members are not checked yet. */
function startsObject(slice: TextSlice): boolean {
  const from: unknown = 'lines' in slice ? slice.lines : slice.range
  return Array.isArray(from) && from[0] === 0
}

async function* prefixed(
  slice: VcfSlice,
  body: () => ByteStream,
  { main }: ReadContext,
): AsyncGenerator<Uint8Array> {
  const isEmpty = 'region' in slice ? slice.ranges.length === 0 : rangeLength(slice.range) === 0
  const header = withoutBom(await readHeader(slice, main, isEmpty))
  if (header.length > 0) yield header.slice()
  yield* body()
}

/** A byte order mark belongs at the start of the object, and stays in its first slice. */
function withoutBom(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

function excerpt(slice: JsonObject): string {
  const text = JSON.stringify(slice)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
