import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { ReadContext, Reading, Source } from '../format.js'
import { notASlice } from '../shared/not-a-slice.js'
import { decodeText, lineBatches } from '../shared/text-view.js'
import type { FastaCut } from './cuts.js'
import { parseFasta } from './records.js'
import { isRegionSlice, type RegionSlice, readRegion } from './region.js'

/** A stretch of the object. When it begins inside a sequence: where that one's header is, and how far inside. */
export type StretchSlice = {
  readonly range: Range
  /** The header line with its line feed. */
  readonly header?: Range
  /** Residues of that sequence before the slice. */
  readonly offset?: number
}

export type FastaSlice = StretchSlice | RegionSlice

/** A slice between each two cuts. */
export function slicesBetween(cuts: readonly FastaCut[]): StretchSlice[] {
  return cuts.slice(0, -1).map(({ at, inside }, i) => {
    const range: Range = [at, (cuts[i + 1] as FastaCut).at]
    if (!inside || range[0] === range[1]) return { range }
    const { start, sequence } = inside.entry
    return { range, header: [start, sequence], offset: inside.residues }
  })
}

export function fastaRanges(slice: FastaSlice): readonly Range[] {
  return 'header' in slice && slice.header ? [slice.header, slice.range] : [slice.range]
}

/** @throws INVALID_SLICE when `slice` is not what this format's strategies make */
export function readFasta(slice: FastaSlice, { main }: ReadContext): Reading<string> {
  if ('region' in slice) {
    if (!isRegionSlice(slice, main.size)) throw notASlice(slice, 'a FASTA slice', main.uri)
    return textReading(main, () => readRegion(slice, main), 1)
  }
  if (!isStretch(slice, main.size)) throw notASlice(slice, 'a FASTA slice', main.uri)
  const { range } = slice
  return {
    ...textReading(main, () => readStretch(slice, main), range[0]),
    extent: async () => range,
  }
}

function textReading(
  { uri }: Source,
  bytes: () => AsyncGenerator<Uint8Array>,
  textOffset: number,
): Reading<string> & { readonly textOffset: number } {
  const records = () => parseFasta(lineBatches(decodeText(bytes(), { uri, offset: textOffset })), uri)
  return { bytes, textOffset, records }
}

async function* readStretch(
  { range, header, offset }: StretchSlice,
  main: Source,
): AsyncGenerator<Uint8Array> {
  if (header && offset !== undefined) yield continued(await main.bytes(header), offset, main.uri)
  yield* main.read(range)
}

/** The header line of a sequence, for the part of it that begins after `offset` residues. */
function continued(line: Uint8Array, offset: number, uri: string): Uint8Array {
  // An index made from a .fai counts blank lines before a header to it.
  const start = line.indexOf(GT)
  let end = line.length
  while (end > start && (line[end - 1] === LF || line[end - 1] === CR)) end--
  if (start === -1 || line.subarray(start, end).includes(LF)) {
    throw new DataplugError('INVALID_SLICE', `the slice of ${uri} names a header that is none`, { uri })
  }
  const added = new TextEncoder().encode(` offset=${offset}`)
  const whole = new Uint8Array(end - start + added.length + line.length - end)
  whole.set(line.subarray(start, end))
  whole.set(added, end - start)
  whole.set(line.subarray(end), end - start + added.length)
  return whole
}

const GT = 62
const LF = 10
const CR = 13

/** No header is longer, so that a forged slice cannot ask for much at once. */
const LONGEST_HEADER = 64 << 20

function isStretch({ range, header, offset }: StretchSlice, size: number): boolean {
  if (!isRange(range) || range[1] > size) return false
  if (header === undefined || offset === undefined) return header === offset
  return (
    isRange(header) &&
    header[1] <= range[0] &&
    header[1] - header[0] <= LONGEST_HEADER &&
    Number.isSafeInteger(offset) &&
    offset >= 0
  )
}
