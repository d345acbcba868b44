import type { CoreMemory } from './memory.js'

/** The longest block header and what a load may read beyond it, rounded up. */
export const LONGEST_HEADER = 1024
const STEP = 64 * 1024

/**
 * The first bit at or after `from`, and before `until`, at which a deflate block may start: a dynamic block
 * with complete codes or a stored block with a valid length, neither being the last of its stream. Nothing
 * need be known of what comes before. It is a guess, wrong once in some 10^10 bits, or more often for stored
 * blocks; decoding confirms it. Overwrites the state of a decoder on this memory.
 *
 * @param from bits from the start of `bytes`
 * @returns undefined when there is none whose header lies in `bytes` entirely
 */
export function findBlock(
  memory: CoreMemory,
  bytes: Uint8Array,
  from: number,
  until = bytes.length * 8,
): number | undefined {
  const last = Math.min(until, bytes.length * 8)
  for (let bit = from; bit < last; ) {
    const base = Math.floor(bit / 8)
    const window = bytes.subarray(base, base + STEP + LONGEST_HEADER)
    memory.input.set(window)
    memory.input.fill(0, window.length, window.length + 64)
    const stop = Math.min((base + STEP) * 8, last)
    const found = memory.kernels.findBlock(bit - base * 8, stop - base * 8, window.length)
    if (found >= 0) return base * 8 + found
    bit = stop
  }
  return undefined
}
