import { splitEvenly } from '../../range.js'
import type { Index } from '../format.js'
import { lastBelow } from '../shared/last-below.js'
import { type FastaEntry, isRegular } from './entry.js'
import { PAGE_SIZE } from './pages.js'
import type { FastaAttributes } from './scan.js'
import { type FastaTable, openFastaTable } from './table.js'

/** Where a slice begins. */
export interface FastaCut {
  readonly at: number
  /** The sequence that it begins inside, and how many of its residues come before; absent at a header. */
  readonly inside?: { readonly entry: FastaEntry; readonly residues: number }
}

/** Longer lines are cut at any residue, others only at their ends. */
export const LONGEST_WHOLE_LINE = 64 << 10

/**
 * The cut for the planned offset `at` inside `entry`: the header when it lies in that; the first line at or after
 * it, or the residue where lines are long; the end where no line of regular geometry begins.
 */
export function cutInside(entry: FastaEntry, at: number): FastaCut {
  const { start, sequence, end, residues, lineBases, lineWidth } = entry
  if (at <= sequence) return { at: start }
  if (!isRegular(entry) || lineBases === 0) return { at: end }
  let line = Math.floor((at - sequence) / lineWidth)
  let column = (at - sequence) % lineWidth
  if (column > 0 && (lineWidth <= LONGEST_WHOLE_LINE || column >= lineBases)) {
    line++
    column = 0
  }
  const before = line * lineBases + column
  if (before >= residues) return { at: end }
  return { at: sequence + line * lineWidth + column, inside: { entry, residues: before } }
}

/** The nearer of the two ends of `entry`. */
export function cutBetween({ start, end }: FastaEntry, at: number): FastaCut {
  return { at: at - start <= end - at ? start : end }
}

/** `count + 1` cuts, ascending, from the object's start to its end: those planned evenly, moved by `cut`. */
export async function cutEvenly(
  index: Index<FastaAttributes>,
  count: number,
  cut: (entry: FastaEntry, at: number) => FastaCut,
): Promise<FastaCut[]> {
  const { size } = index
  const table = await openFastaTable(index, index.attributes.numSequences)
  const cuts: FastaCut[] = [{ at: 0 }]
  for (const [at] of splitEvenly(size, count).slice(1)) {
    const entry = at < size ? await entryAt(table, at) : undefined
    // Before the first header there are blank lines at most: they stay with the first slice.
    cuts.push(entry ? cut(entry, at) : { at: at < size ? 0 : size })
  }
  return [...cuts, { at: size }]
}

/** The sequence that holds offset `at`; undefined before the first. */
async function entryAt(table: FastaTable, at: number): Promise<FastaEntry | undefined> {
  const page = Math.min(Math.floor(at / PAGE_SIZE), table.pageCount - 1)
  const here = await table.entries(page)
  const inPage = here.findLast(({ start }) => start <= at)
  if (inPage) return inPage
  const earlier = lastPageWith(table, table.sequencesBefore(page))
  return earlier === undefined ? undefined : (await table.entries(earlier)).at(-1)
}

/** The page of the last of the first `count` sequences. */
function lastPageWith(table: FastaTable, count: number): number | undefined {
  if (count === 0) return undefined
  return lastBelow(count, 0, table.pageCount - 1, (page) => table.sequencesBefore(page))
}
