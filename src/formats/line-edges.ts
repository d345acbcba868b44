import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { isRange, type Range } from '../range.js'
import { BLOCK_SIZE } from './counts.js'
import type { Source } from './format.js'

/** Where a line begins: after line feed number `skip` of a block, or at its start when `skip` is 0. */
export interface LinePosition {
  readonly block: number
  readonly skip: number
}

/** A run of whole lines inside `range`, which starts and ends with a block. */
export type LineEdges = {
  readonly range: Range
  /** Line feeds of the first block that belong to earlier lines. */
  readonly skip: number
  /** The run ends after this many line feeds of the last block; absent when it ends with the object. */
  readonly keep?: number
}

/** The run of lines from `start` up to `next`, or to the end of the object. */
export function lineEdges(start: LinePosition, next: LinePosition | undefined, size: number): LineEdges {
  const from = start.block * BLOCK_SIZE
  if (!next) return { range: [from, size], skip: start.skip }
  return { range: [from, Math.min((next.block + 1) * BLOCK_SIZE, size)], skip: start.skip, keep: next.skip }
}

export function isLineEdges(value: LineEdges, size: number): boolean {
  const { range, skip, keep } = value
  return (
    isRange(range) && range[1] <= size && isCount(skip) && (keep === undefined || (isCount(keep) && keep > 0))
  )
}

/** The bytes of the run, by one read. @throws INVALID_SLICE when the object does not have these lines. */
export async function* readLines(source: Source, edges: LineEdges, core: Core): AsyncGenerator<Uint8Array> {
  const { range, skip, keep } = edges
  const lastBlock = startOfLastBlock(edges)
  let toSkip = skip
  // Line feeds of the last block are counted from its start, even where that is skipped.
  let toKeep = keep
  let position = range[0]
  for await (const piece of source.read(range)) {
    let from = 0
    let to = piece.length
    if (toKeep !== undefined && position + piece.length > lastBlock) {
      const block = piece.subarray(Math.max(lastBlock - position, 0))
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

/** The byte range that `readLines` delivers, by reading its first and last block only. */
export async function findLines(source: Source, edges: LineEdges, core: Core): Promise<Range> {
  const { range, skip, keep } = edges
  const after = async (block: number, lines: number) => {
    if (lines === 0) return block
    const cut = core.nthLine(await source.bytes([block, Math.min(block + BLOCK_SIZE, range[1])]), lines)
    if (cut === -1) throw notThere(source, edges)
    return block + cut
  }
  const start = await after(range[0], skip)
  return [start, keep === undefined ? range[1] : await after(startOfLastBlock(edges), keep)]
}

function startOfLastBlock({ range }: LineEdges): number {
  return Math.floor(Math.max(range[1] - 1, 0) / BLOCK_SIZE) * BLOCK_SIZE
}

function notThere(source: Source, edges: LineEdges): DataplugError {
  return new DataplugError(
    'INVALID_SLICE',
    `${source.uri} has fewer lines in bytes ${edges.range[0]}-${edges.range[1]} than the slice says; partition it again`,
    { uri: source.uri, offset: edges.range[0] },
  )
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
