import { gunzipWith } from '../core/gunzip.js'
import { createMemory } from '../core/memory.js'
import { coreModule } from '../core/module.js'
import type { Source } from '../storage/source.js'
import { SCRATCH_SIZE } from './read-onwards.js'

/** What follows a seek point, to the end of the object. */
export interface GzipTail {
  /** Bytes of content. */
  readonly size: number
  readonly lineFeeds: number
  /** The last byte; undefined when there is none. */
  readonly last: number | undefined
}

/** Decodes a gzip object from a seek point to its end. @throws MALFORMED_DATA when that cannot be done */
export async function readTail(
  source: Source,
  { bit, window }: { readonly bit: number; readonly window: Uint8Array },
  signal?: AbortSignal,
): Promise<GzipTail> {
  const memory = createMemory(await coreModule())
  const gunzip = gunzipWith(memory, { name: source.uri, bit, window })
  let size = 0
  let lineFeeds = 0
  let last: number | undefined
  const options = { signal, scratch: new Uint8Array(SCRATCH_SIZE) }
  for await (const bytes of source.read([Math.floor(bit / 8), source.size], options)) {
    for (const piece of gunzip.push(bytes)) {
      size += piece.length
      lineFeeds += memory.kernels.countLines(piece.byteOffset, piece.length)
      last = piece.at(-1) ?? last
    }
  }
  gunzip.finish()
  return { size, lineFeeds, last }
}
