import type { Arena } from './arena.js'
import type { Symbols } from './gzip-part.js'
import { WINDOW_SIZE } from './inflater.js'

export const MASK_SIZE = WINDOW_SIZE / 8

/** The symbols before a point that decoding from there really needs. */
export interface SparseWindow {
  /**
   * Which of 32768, in 4096 bytes: bit `i & 7` of byte `i >> 3` stands for symbol i, of which the last is the one
   * just before the point. No bytes when no symbol is needed.
   */
  readonly mask: Uint8Array
  /** Those symbols, oldest first. */
  readonly symbols: Symbols
}

export const emptyWindow: SparseWindow = { mask: new Uint8Array(0), symbols: new Uint8Array(0) }

/**
 * @param arena gives the arrays of the result
 * @param newest the symbols right before the point, up to a window of them
 * @param needed which are needed, none of them older than `newest`; undefined: all
 */
export function sparseWindow(arena: Arena, newest: Symbols, needed: Uint8Array | undefined): SparseWindow {
  const first = WINDOW_SIZE - newest.length
  const mask = arena.u8(MASK_SIZE)
  if (needed) mask.set(needed)
  else maskFrom(first, mask)
  const count = findBits(mask)
  if (count === 0) return emptyWindow
  const symbols = newest instanceof Uint8Array ? arena.u8(count) : arena.u16(count)
  for (let k = 0; k < count; k++) symbols[k] = newest[(places[k] ?? 0) - first] ?? 0
  return { mask, symbols }
}

/**
 * The window in which the newest of the needed bytes are `kept`; the others are zero, and left out at the front.
 *
 * @param kept at most as many as `mask` has bits
 */
export function denseWindow(mask: Uint8Array, kept: Uint8Array): Uint8Array<ArrayBuffer> {
  const skipped = findBits(mask) - kept.length
  const first = kept.length > 0 ? (places[skipped] ?? 0) : WINDOW_SIZE
  const bytes = new Uint8Array(WINDOW_SIZE - first)
  for (let k = 0; k < kept.length; k++) bytes[(places[skipped + k] ?? 0) - first] = kept[k] ?? 0
  return bytes
}

/** What `findBits` found last. Made once: an array for each point would pile up until it is collected. */
const places = new Uint16Array(WINDOW_SIZE)

/** Notes in `places` which bits are set, and returns how many. */
function findBits(mask: Uint8Array): number {
  let count = 0
  for (let at = 0; at < mask.length; at++) {
    for (let bits = mask[at] ?? 0; bits !== 0; bits &= bits - 1) {
      places[count++] = at * 8 + 31 - Math.clz32(bits & -bits)
    }
  }
  return count
}

/** Makes it the mask of all from this one on. */
function maskFrom(first: number, mask: Uint8Array): void {
  mask.fill(0, 0, first >> 3).fill(0xff, Math.ceil(first / 8))
  if (first % 8 > 0) mask[first >> 3] = 0xff << (first % 8)
}
