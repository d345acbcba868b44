/**
 * Bytes copied into WebAssembly at a time. Of 16 KiB to 1 MiB this was fastest: the copy and the kernel
 * that follows meet in the second-level cache, and the calls themselves cost little.
 */
export const WINDOW = 128 * 1024

/** First window of a search, which usually ends near where it starts; each further one is longer. */
export const FIRST_WINDOW = 512

export function widen(window: number): number {
  return Math.min(window * 4, WINDOW)
}
