import { DataplugError } from '../errors.js'
import type { CoreMemory } from './memory.js'
import { collectPositions, trim } from './positions.js'
import { FIRST_WINDOW, WINDOW, widen } from './windows.js'

/** Lines end with a line feed (0x0A). A carriage return before it belongs to the line. */
export interface LineFunctions {
  /** Number of line feeds, as `wc -l` counts: a last line without one is not counted. */
  countLines(bytes: Uint8Array): number
  /**
   * Offset of each line feed, ascending. May be a view of a slightly longer buffer.
   *
   * @throws INVALID_ARGUMENT for more than 4 GiB.
   */
  linePositions(bytes: Uint8Array): Uint32Array<ArrayBuffer>
  /**
   * Offset just after the n-th line feed, counted from 1, so where line n + 1 starts; -1 when there are
   * fewer.
   *
   * @throws INVALID_ARGUMENT unless n is an integer from 1.
   */
  nthLine(bytes: Uint8Array, n: number): number
  /** Smallest q in [max(from, 1), bytes.length] with a line feed at q - 1; -1 when there is none. */
  firstLineCut(bytes: Uint8Array, from: number): number
  /** Largest q in [1, bytes.length] with a line feed at q - 1; -1 when there is none. */
  lastLineCut(bytes: Uint8Array): number
}

export function lineFunctions(memory: CoreMemory): LineFunctions {
  const { kernels, stage, output } = memory

  function countLines(bytes: Uint8Array): number {
    let count = 0
    for (let start = 0; start < bytes.length; start += WINDOW) {
      const end = Math.min(start + WINDOW, bytes.length)
      count += kernels.countLines(stage(bytes, start, end), end - start)
    }
    return count
  }

  function linePositions(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
    const { positions, count } = collectPositions(memory, bytes, 0, (p, n, start) =>
      kernels.linePositions(p, n, start, output),
    )
    return trim(positions, count)
  }

  function nthLine(bytes: Uint8Array, n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new DataplugError('INVALID_ARGUMENT', `lines are counted from 1: there is no line ${n}`)
    }
    let left = n
    for (let start = 0; start < bytes.length; start += WINDOW) {
      const end = Math.min(start + WINDOW, bytes.length)
      const p = stage(bytes, start, end)
      const count = kernels.countLines(p, end - start)
      if (count >= left) return start + kernels.nthLine(p, end - start, left)
      left -= count
    }
    return -1
  }

  function firstLineCut(bytes: Uint8Array, from: number): number {
    let start = Math.max(from, 1) - 1
    for (let window = FIRST_WINDOW; start < bytes.length; window = widen(window)) {
      const end = Math.min(start + window, bytes.length)
      const found = kernels.nthLine(stage(bytes, start, end), end - start, 1)
      if (found > 0) return start + found
      start = end
    }
    return -1
  }

  function lastLineCut(bytes: Uint8Array): number {
    let end = bytes.length
    for (let window = FIRST_WINDOW; end > 0; window = widen(window)) {
      const start = Math.max(end - window, 0)
      const found = kernels.lastLine(stage(bytes, start, end), end - start)
      if (found > 0) return start + found
      end = start
    }
    return -1
  }

  return { countLines, linePositions, nthLine, firstLineCut, lastLineCut }
}
