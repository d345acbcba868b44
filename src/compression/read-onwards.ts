import type { Range } from '../range.js'
import type { Source } from '../storage/source.js'
import type { ByteStream } from '../storage/store.js'

/** Scratch for two pieces of a file: it reads one while the other is decoded. */
export const SCRATCH_SIZE = 2 << 20

/** How far reading goes on, at a time, past the bytes that were foreseen. */
export const FURTHER = 256 << 10

/**
 * The bytes of `range` in one read, then on to the object's end in small ones, for as long as the consumer asks. It
 * decodes them, meanwhile the next ones are read.
 */
export async function* readOnwards(
  source: Source,
  [start, end]: Range,
  readOptions: Parameters<Source['read']>[1],
): ByteStream {
  const options = { ...readOptions, readAhead: true }
  yield* source.read([start, end], options)
  for (let at = end; at < source.size; at += FURTHER) {
    yield* source.read([at, Math.min(at + FURTHER, source.size)], options)
  }
}
