import { isCount } from '../../checks.js'
import type { Core } from '../../core/core.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Source } from '../format.js'
import { BLOCK_SIZE } from './counts.js'

/** Where a line begins: after line feed number `skip` from `offset` on, or at it when `skip` is 0. */
export interface LinePosition {
  readonly offset: number
  readonly skip: number
  /** That line feed lies before this offset. */
  readonly end: number
}

/** A run of whole lines inside `range`. */
export type LineEdges = {
  readonly range: Range
  /** Line feeds from the start of `range` on that belong to earlier lines. */
  readonly skip: number
  /** The run ends after line feed number `tail[1]` from offset `tail[0]` on; absent when it ends with the object. */
  readonly tail?: readonly [offset: number, lineFeeds: number]
}

/** The run of lines from `start` up to `next`, or to the end of the object. */
export function lineEdges(start: LinePosition, next: LinePosition | undefined, size: number): LineEdges {
  if (!next) return { range: [start.offset, size], skip: start.skip }
  return { range: [start.offset, next.end], skip: start.skip, tail: [next.offset, next.skip] }
}

export function isLineEdges({ range, skip, tail }: LineEdges, size: number): boolean {
  if (!isRange(range) || range[1] > size || !isCount(skip)) return false
  if (tail === undefined) return true
  return Array.isArray(tail) && isCount(tail[0]) && isCount(tail[1]) && tail[1] > 0 && tail[0] >= range[0]
}

/** The bytes of the run, by one read. @throws INVALID_SLICE when the object does not have these lines. */
export async function* readLines(source: Source, edges: LineEdges, core: Core): AsyncGenerator<Uint8Array> {
  const { range, skip, tail } = edges
  let toSkip = skip
  let toKeep = tail?.[1]
  const counted = tail?.[0] ?? range[1]
  let position = range[0]
  for await (const piece of source.read(range)) {
    let from = 0
    let to = piece.length
    if (toKeep !== undefined && position + piece.length > counted) {
      const block = piece.subarray(Math.max(counted - position, 0))
      const cut = core.nthLine(block, toKeep)
      if (cut === -1) toKeep -= core.countLines(block)
      else {
        to = piece.length - block.length + cut
        toKeep = 0
      }
    }
    if (toSkip > 0) {
      const cut = core.nthLine(piece, toSkip)
      from = cut === -1 ? piece.length : cut
      toSkip = cut === -1 ? toSkip - core.countLines(piece) : 0
    }
    if (from < to) yield piece.subarray(from, to)
    position += piece.length
    if (toKeep === 0) return
  }
  if (toSkip > 0 || toKeep !== undefined) throw notThere(source, edges)
}

/** The byte range that `readLines` delivers, by reading no further than its first and last line feed. */
export async function findLines(source: Source, edges: LineEdges, core: Core): Promise<Range> {
  const { range, skip, tail } = edges
  const after = async (offset: number, lineFeeds: number) => {
    let missing = lineFeeds
    let step = FIRST_STEP
    for (let at = offset; missing > 0; ) {
      if (at >= range[1]) throw notThere(source, edges)
      const bytes = await source.bytes([at, Math.min(at + step, range[1])])
      const cut = core.nthLine(bytes, missing)
      if (cut !== -1) return at + cut
      missing -= core.countLines(bytes)
      at += bytes.length
      step = Math.min(step * 8, LAST_STEP)
    }
    return offset
  }
  const start = await after(range[0], skip)
  return [start, tail ? await after(...tail) : range[1]]
}

/** Bytes to look through at a time. For plain objects the first are enough. */
const FIRST_STEP = BLOCK_SIZE
const LAST_STEP = 1 << 20

function notThere(source: Source, edges: LineEdges): DataplugError {
  return new DataplugError(
    'INVALID_SLICE',
    `${source.uri} has fewer lines in bytes ${edges.range[0]}-${edges.range[1]} than the slice says; partition it again`,
    { uri: source.uri, offset: edges.range[0] },
  )
}
