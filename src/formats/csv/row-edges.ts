import { isCount } from '../../checks.js'
import type { RowScanner, RowSearch } from '../../core/core.js'
import { ROW_START } from '../../core/rows.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Index, Source } from '../format.js'
import { BLOCK_SIZE } from '../shared/counts.js'
import { type CountSections, openLineCounts } from '../shared/line-counts.js'
import { byCounts } from '../shared/line-estimate.js'
import { locateByCounts } from '../shared/line-index.js'

// Runs of whole rows: as line-edges.ts for lines, with the state that reading begins in.

const ROWS: CountSections = { pages: 'row-pages', counts: 'row-counts' }
const STATES: CountSections = { pages: 'state-pages', counts: 'state-counts' }

/** Where a row begins: after row end number `skip` from `offset` on, which is read from `state`; at it when `skip` is 0. */
export interface RowPosition {
  readonly offset: number
  readonly state: number
  readonly skip: number
  /** That row end lies before this offset. */
  readonly end: number
}

/** A run of whole rows inside `range`. */
export type RowEdges = {
  readonly range: Range
  /** The state at the start of `range`, and row ends from there on that belong to earlier rows. */
  readonly begin: { readonly state: number; readonly skip: number }
  /** The run ends after row end number `skip` from `offset` on; absent when it ends with the object. */
  readonly tail?: { readonly offset: number; readonly state: number; readonly skip: number }
}

/**
 * Finds where rows begin. `rows` ascending, each from 0 to the number of row ends.
 *
 * @param start where row 0 begins
 * @throws INVALID_INDEX when the index does not hold what it claims
 */
export async function locateRows(
  index: Index<unknown>,
  start: number,
  rows: readonly number[],
): Promise<RowPosition[]> {
  const places = await locateByCounts(index, rows, ROWS)
  const table = rows.some((row) => row > 0) ? await openLineCounts(index, STATES) : undefined
  const positions: RowPosition[] = []
  let page = -1
  let states: Uint16Array | undefined
  for (const [i, { offset, skip, end }] of places.entries()) {
    if (rows[i] === 0 || offset < start || !table) {
      positions.push({ offset: start, state: ROW_START, skip, end: Math.max(end, start) })
      continue
    }
    const block = offset / BLOCK_SIZE
    if (Math.floor(block / 2048) !== page) {
      page = Math.floor(block / 2048)
      states = await table.counts(page)
    }
    positions.push({ offset, state: states?.[block % 2048] ?? 0, skip, end })
  }
  return positions
}

/** Row ends before the 512-byte block that each of `offsets` lies in. They ascend, as the results do. */
export function rowsBefore(index: Index<unknown>, offsets: readonly number[]): Promise<number[]> {
  return byCounts(index, offsets, ROWS)
}

/** The run of rows from `start` up to `next`, or to the end of the object. */
export function rowEdges(start: RowPosition, next: RowPosition | undefined, size: number): RowEdges {
  const begin = { state: start.state, skip: start.skip }
  if (!next) return { range: [start.offset, size], begin }
  const tail = { offset: next.offset, state: next.state, skip: next.skip }
  return { range: [start.offset, Math.max(next.end, start.offset)], begin, tail }
}

export function isRowEdges({ range, begin, tail }: RowEdges, size: number): boolean {
  if (!isRange(range) || range[1] > size) return false
  if (!isReading(begin)) return false
  if (tail === undefined) return true
  return isReading(tail) && isCount(tail.offset) && tail.offset >= range[0] && tail.offset <= range[1]
}

/** The bytes of the run with their offsets, by one read. @throws INVALID_SLICE when the object does not have these rows. */
export async function* readRows(
  source: Source,
  { range, begin, tail }: RowEdges,
  scanner: RowScanner,
): AsyncGenerator<readonly [offset: number, bytes: Uint8Array]> {
  const skip: RowSearch = { state: begin.state, left: begin.skip }
  const keep: RowSearch | undefined = tail && { state: tail.state, left: tail.skip }
  const counted = tail?.offset ?? range[1]
  let position = range[0]
  if (keep?.left === 0 || range[0] === range[1]) return
  for await (const piece of source.read(range)) {
    let from = 0
    let to = piece.length
    if (keep && position + piece.length > counted) {
      const at = Math.max(counted - position, 0)
      const cut = scanner.find(keep, piece.subarray(at))
      if (cut !== -1) to = at + cut
    }
    if (skip.left > 0) {
      const cut = scanner.find(skip, piece)
      from = cut === -1 ? piece.length : cut
    }
    if (from < to) yield [position + from, piece.subarray(from, to)]
    position += piece.length
    if (keep?.left === 0) break
  }
  if (skip.left > 0 || (keep && keep.left > 0)) throw notThere(source, range)
}

/** The byte range that `readRows` delivers, by reading no further than its first and last row end. */
export async function findRows(
  source: Source,
  { range, begin, tail }: RowEdges,
  scanner: RowScanner,
): Promise<Range> {
  const after = async (offset: number, search: RowSearch) => {
    let step = BLOCK_SIZE
    for (let at = offset; search.left > 0; ) {
      if (at >= range[1]) throw notThere(source, range)
      const bytes = await source.bytes([at, Math.min(at + step, range[1])])
      const cut = scanner.find(search, bytes)
      if (cut !== -1) return at + cut
      at += bytes.length
      step = Math.min(step * 8, LAST_STEP)
    }
    return offset
  }
  const start = await after(range[0], { state: begin.state, left: begin.skip })
  if (!tail) return [start, range[1]]
  if (tail.skip === 0) return [start, start]
  return [start, Math.max(start, await after(tail.offset, { state: tail.state, left: tail.skip }))]
}

const LAST_STEP = 1 << 20

function notThere({ uri }: Source, range: Range): DataplugError {
  return new DataplugError(
    'INVALID_SLICE',
    `${uri} has fewer rows in bytes ${range[0]}-${range[1]} than the slice says; partition it again`,
    { uri, offset: range[0] },
  )
}

function isReading(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { state, skip } = value as { readonly state?: unknown; readonly skip?: unknown }
  return isCount(state) && state < 8 && isCount(skip)
}
