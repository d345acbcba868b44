import { DataplugError } from '../errors.js'
import type { CoreMemory } from './memory.js'
import { WINDOW } from './windows.js'

/** @throws INVALID_ARGUMENT when offsets in `length` bytes do not fit 32 bits. */
export function checkOffsetsFit(length: number): void {
  if (length > 2 ** 32) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `positions are 32-bit and the input has ${length} bytes: pass at most 4 GiB at a time`,
    )
  }
}

// How large a result gets is told from the density so far: for at most 32 times what was seen, since the
// beginning of a text seldom is like all of it, and with an eighth to spare. Pages of an array that are
// never touched cost no memory, while moving a result costs as much as finding it.
const FORESIGHT = 32
const ALLOWANCE = 1.125

/**
 * Runs `scan` over windows of `bytes` and joins the positions it leaves in the output window. `scan` gets
 * the pointer, length and offset of a window and returns how many positions it found, at most its length.
 * The array has room for `spare` more behind those found.
 */
export function collectPositions(
  memory: CoreMemory,
  bytes: Uint8Array,
  spare: number,
  scan: (p: number, n: number, start: number) => number,
): { readonly positions: Uint32Array<ArrayBuffer>; readonly count: number } {
  checkOffsetsFit(bytes.length)
  let positions = new Uint32Array(spare)
  let count = 0
  for (let start = 0; start < bytes.length; start += WINDOW) {
    const end = Math.min(start + WINDOW, bytes.length)
    const found = scan(memory.stage(bytes, start, end), end - start, start)
    if (count + found + spare > positions.length) {
      const expected = (count + found) * Math.min(FORESIGHT, bytes.length / end) * ALLOWANCE
      const larger = new Uint32Array(Math.ceil(expected) + spare)
      larger.set(positions.subarray(0, count))
      positions = larger
    }
    positions.set(memory.output32.subarray(0, found), count)
    count += found
  }
  return { positions, count }
}

/** The first `count` entries: a view when no more than a quarter of the buffer is wasted by that, else a copy. */
export function trim(positions: Uint32Array<ArrayBuffer>, count: number): Uint32Array<ArrayBuffer> {
  return count * 4 < positions.length * 3 ? positions.slice(0, count) : positions.subarray(0, count)
}
