import { isDataplugError } from '../errors.js'
import { findBlock, LONGEST_HEADER } from './find-block.js'
import { type ChunkOptions, createGzipChunk, type GzipChunk } from './gzip-chunk.js'
import type { GzipPart } from './gzip-part.js'
import type { CoreMemory } from './memory.js'

/**
 * A start that was guessed wrong shows within a few blocks. So bytes are kept, and other starts tried, until
 * so many have been decoded without an error.
 */
const PROOF = 1 << 20
/** Real streams need one attempt in all but rare cases. This many are made before the search gives up. */
const ATTEMPTS = 100

export interface SearchedChunk {
  /** Takes the next bytes of the object; true once the chunk is complete and needs no more. */
  push(bytes: Uint8Array): boolean
  /** To be called when the object has ended and `push` wants more. */
  finish(): void
  /**
   * What is known, once complete. Undefined when no block was found to start in the chunk, or the one that
   * was found turned out not to be one: then the chunk before decodes on through this one.
   */
  part(): GzipPart | undefined
}

/** Room for the bytes that a search keeps. */
export const SEARCH_ROOM = PROOF

/**
 * Decodes the chunk that starts with the first block at or after byte `offset`, which is the first byte
 * pushed, with nothing known of the bytes before. Never throws on malformed data: whether it is that, only
 * a decoder that comes from before can tell.
 *
 * @param kept SEARCH_ROOM bytes that nothing else uses meanwhile
 */
export function createSearchedChunk(
  memory: CoreMemory,
  offset: number,
  options: ChunkOptions,
  kept: Uint8Array = new Uint8Array(SEARCH_ROOM),
): SearchedChunk {
  const { until } = options
  let keptLength = 0
  /** Offset in the object of the first byte kept. */
  let keptAt = offset
  /** Bit at which the search goes on. */
  let from = offset * 8
  let attempts = 0
  let chunk: GzipChunk | undefined
  let failed = false

  /** Runs a step of decoding. Undefined when the data turned out not to be deflate data. */
  function attempt<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (error) {
      if (isDataplugError(error, 'MALFORMED_DATA')) return undefined
      throw error
    }
  }

  /** Tries starts in the bytes kept. True once the chunk is complete, or without hope. */
  function search(ended: boolean): boolean {
    const bytes = kept.subarray(0, keptLength)
    while (attempts < ATTEMPTS) {
      const found = findBlock(memory, bytes, from - keptAt * 8, Math.min(until - keptAt * 8, keptLength * 8))
      if (found === undefined) break
      const bit = keptAt * 8 + found
      attempts++
      const candidate = createGzipChunk(memory, { bit, window: 'unknown' }, options)
      const complete = attempt(() => {
        const done = candidate.push(bytes.subarray(Math.floor(found / 8)))
        if (ended && !done) candidate.finish()
        return done || ended
      })
      if (complete !== undefined) {
        chunk = candidate
        return complete
      }
      from = bit + 1
    }
    // A header may begin in the last bytes kept; all before them is searched.
    const searched = Math.max(0, keptLength - LONGEST_HEADER)
    failed = ended || attempts === ATTEMPTS || (keptAt + searched) * 8 >= until
    from = Math.max(from, (keptAt + searched) * 8)
    kept.copyWithin(0, searched, keptLength)
    keptAt += searched
    keptLength -= searched
    return failed
  }

  function push(bytes: Uint8Array): boolean {
    let at = 0
    while (!chunk && !failed && at < bytes.length) {
      const taken = bytes.subarray(at, at + PROOF - keptLength)
      kept.set(taken, keptLength)
      keptLength += taken.length
      at += taken.length
      const enough = keptLength === PROOF || (keptAt + keptLength - LONGEST_HEADER) * 8 >= until
      if (enough && search(false)) return true
    }
    if (failed) return true
    const running = chunk
    if (!running || at === bytes.length) return false
    const complete = attempt(() => running.push(bytes.subarray(at)))
    failed = complete === undefined
    return complete ?? true
  }

  function finish(): void {
    const running = chunk
    if (!running) search(true)
    else if (attempt(() => running.finish() ?? true) === undefined) failed = true
  }

  return { push, finish, part: () => (failed ? undefined : chunk?.part()) }
}
