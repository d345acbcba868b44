/**
 * Bytes copied into WebAssembly at a time. Measured from 16 KiB to 1 MiB: the copy and the kernel that
 * follows then meet in the second-level cache, and the cost of the calls themselves is below 2 %.
 */
export const WINDOW = 64 * 1024

/** First window of a search, which usually ends near where it starts; each further one is longer. */
export const FIRST_WINDOW = 512

export function widen(window: number): number {
  return Math.min(window * 4, WINDOW)
}
