import { isCount } from '../../checks.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Index, Source } from '../format.js'
import { integer, MAX_SLICES } from '../shared/params.js'
import { parseRegion, type Region } from '../shared/region.js'
import { type FastaEntry, isRegular } from './entry.js'
import type { FastaAttributes } from './scan.js'
import { openFastaTable } from './table.js'

/** Residues of one sequence, given as `samtools faidx` gives them. */
export type RegionSlice = {
  /** The region as it was asked for: the header of what is given. */
  readonly region: string
  readonly range: Range
  /** Residues in `range` before the first that is given, and how many are. */
  readonly skip: number
  readonly residues: number
  /** Residues in a line. */
  readonly lineLength: number
}

export interface Regions {
  /** As samtools writes them: `chr1`, `chr1:1000-2000` (from 1, both ends included), `chr1:1000-`, `chr1:-2000`. */
  readonly regions: readonly string[]
  /** Residues in a line of what slices give. Default 60, as in samtools. */
  readonly lineLength?: number
}

/**
 * A slice for each region.
 *
 * @throws INVALID_ARGUMENT when a region is none or of a sequence that is not there
 */
export async function regionSlices(
  index: Index<FastaAttributes>,
  { regions, lineLength = 60 }: Regions,
): Promise<RegionSlice[]> {
  if (!Array.isArray(regions) || regions.length > MAX_SLICES) {
    throw new DataplugError('INVALID_ARGUMENT', `regions must be an array of at most ${MAX_SLICES} regions`)
  }
  const width = integer('lineLength', lineLength, 1, 1 << 20)
  const entries = await findSequences(index, regions)
  return regions.map((region: string) => {
    const { name, start, end } = parseRegion(region, (name) => entries.has(name))
    return regionSlice(region, entries.get(name) as FastaEntry, { name, start, end }, width)
  })
}

function regionSlice(
  region: string,
  entry: FastaEntry,
  { start, end }: Region,
  lineLength: number,
): RegionSlice {
  const { sequence, residues, lineBases, lineWidth } = entry
  const first = Math.min(start, residues)
  const last = Math.min(end, residues)
  const asked = { region, residues: last - first, lineLength }
  if (first === last) return { ...asked, range: [sequence, sequence], skip: 0 }
  // Where offsets cannot be computed, residues are counted off from the sequence's start.
  if (!isRegular(entry)) return { ...asked, range: [sequence, entry.end], skip: first }
  const offset = (residue: number) =>
    sequence + Math.floor(residue / lineBases) * lineWidth + (residue % lineBases)
  return { ...asked, range: [offset(first), offset(last - 1) + 1], skip: 0 }
}

/** The sequences that the regions may be of, by name; of several with one name the first, as in samtools. */
async function findSequences(
  index: Index<FastaAttributes>,
  regions: readonly unknown[],
): Promise<Map<string, FastaEntry>> {
  const wanted = new Set<string>()
  for (const region of regions) {
    if (typeof region !== 'string') continue
    wanted.add(region)
    const braces = /^\{([^}]+)\}/.exec(region)
    if (braces?.[1]) wanted.add(braces[1])
    if (region.includes(':')) wanted.add(region.slice(0, region.lastIndexOf(':')))
  }
  // Names are compared by length first: most need not become strings.
  const byLength = new Set([...wanted].map((name) => new TextEncoder().encode(name).length))
  const found = new Map<string, FastaEntry>()
  const decoder = new TextDecoder()
  const table = await openFastaTable(index, index.attributes.numSequences)
  for (let page = 0; page < table.pageCount && found.size < wanted.size; page++) {
    if (table.sequencesBefore(page + 1) === table.sequencesBefore(page)) continue
    await table.named(page, (entry, bytes) => {
      if (!byLength.has(bytes.length)) return
      const name = decoder.decode(bytes)
      if (wanted.has(name) && !found.has(name)) found.set(name, entry)
    })
  }
  return found
}

export function isRegionSlice(
  { region, range, skip, residues, lineLength }: RegionSlice,
  size: number,
): boolean {
  return (
    typeof region === 'string' &&
    isRange(range) &&
    range[1] <= size &&
    isCount(skip) &&
    isCount(residues) &&
    skip + residues <= range[1] - range[0] &&
    isCount(lineLength) &&
    lineLength > 0
  )
}

/** @throws INVALID_SLICE when the object does not have these residues there */
export async function* readRegion(
  { region, range, skip, residues, lineLength }: RegionSlice,
  main: Source,
): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(`>${region}\n`)
  let toSkip = skip
  let left = residues
  let column = 0
  if (left === 0) return
  for await (const piece of main.read(range)) {
    const out = new Uint8Array(piece.length + Math.ceil((column + piece.length) / lineLength))
    let length = 0
    for (let i = 0; i < piece.length && left > 0; i++) {
      const byte = piece[i] as number
      if (byte < 0x21 || byte > 0x7e) continue
      if (toSkip > 0) {
        toSkip--
        continue
      }
      out[length++] = byte
      left--
      if (++column < lineLength && left > 0) continue
      out[length++] = LF
      column = 0
    }
    if (length > 0) yield out.subarray(0, length)
    if (left === 0) return
  }
  throw new DataplugError(
    'INVALID_SLICE',
    `${main.uri} has ${left} residues less in bytes ${range[0]}-${range[1]} than the slice says; partition it again`,
    { uri: main.uri, offset: range[0] },
  )
}

const LF = 10
