import type { CoreMemory } from './memory.js'
import { collectPositions, trim } from './positions.js'
import { FIRST_WINDOW, WINDOW, widen } from './windows.js'

/**
 * White space is ASCII: space, \t, \n, \v, \f, \r. A *word* is a maximal run of other bytes. A *word cut* is
 * a position with white space just before it, except between CR and LF; behind a CR that is the last byte
 * there is none either, since a LF may follow. No cut lies inside a UTF-8 sequence.
 */
export interface WordFunctions {
  /** Number of words. */
  countWords(bytes: Uint8Array): number
  /** Counts the words of a stream that arrives in pieces of any size. */
  wordCounter(): WordCounter
  /**
   * The words as half-open ranges: start and end of the first, start and end of the second, and so on. May
   * be a view of a slightly longer buffer.
   *
   * @throws INVALID_ARGUMENT for more than 4 GiB.
   */
  wordRanges(bytes: Uint8Array): Uint32Array<ArrayBuffer>
  /** Smallest word cut in [max(from, 1), bytes.length]; -1 when there is none. */
  firstWordCut(bytes: Uint8Array, from: number): number
  /** Largest word cut in [1, bytes.length]; -1 when there is none. */
  lastWordCut(bytes: Uint8Array): number
}

export interface WordCounter {
  update(bytes: Uint8Array): void
  /** Words so far, one that the last byte belongs to included. */
  finish(): number
}

const CARRIAGE_RETURN = 13

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13)
}

export function wordFunctions(memory: CoreMemory): WordFunctions {
  const { kernels, stage, output } = memory

  function wordCounter(): WordCounter {
    let count = 0
    let inWord = false

    function update(bytes: Uint8Array): void {
      for (let start = 0; start < bytes.length; start += WINDOW) {
        const end = Math.min(start + WINDOW, bytes.length)
        count += kernels.countWords(stage(bytes, start, end), end - start, inWord ? 1 : 0)
        inWord = !isSpace(bytes[end - 1])
      }
    }

    return { update, finish: () => count }
  }

  function countWords(bytes: Uint8Array): number {
    const counter = wordCounter()
    counter.update(bytes)
    return counter.finish()
  }

  function wordRanges(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
    let inWord = false
    const { positions, count } = collectPositions(memory, bytes, 1, (p, n, start) => {
      const found = kernels.wordBoundaries(p, n, inWord ? 1 : 0, start, output)
      inWord = !isSpace(bytes[start + n - 1])
      return found
    })
    positions[count] = bytes.length
    return trim(positions, inWord ? count + 1 : count)
  }

  // A kernel needs the byte that follows its input to tell CR LF from CR. So the last byte is left out of
  // the windows and judged here.
  function isCutAtEnd(bytes: Uint8Array): boolean {
    const last = bytes[bytes.length - 1]
    return isSpace(last) && last !== CARRIAGE_RETURN
  }

  function firstWordCut(bytes: Uint8Array, from: number): number {
    const last = bytes.length - 1
    let start = Math.max(from, 1) - 1
    if (start > last) return -1
    for (let window = FIRST_WINDOW; start < last; window = widen(window)) {
      const end = Math.min(start + window, last)
      const found = kernels.firstWordCut(stage(bytes, start, end + 1), end - start)
      if (found > 0) return start + found
      start = end
    }
    return isCutAtEnd(bytes) ? bytes.length : -1
  }

  function lastWordCut(bytes: Uint8Array): number {
    if (isCutAtEnd(bytes)) return bytes.length
    let end = bytes.length - 1
    for (let window = FIRST_WINDOW; end > 0; window = widen(window)) {
      const start = Math.max(end - window, 0)
      const found = kernels.lastWordCut(stage(bytes, start, end + 1), end - start)
      if (found > 0) return start + found
      end = start
    }
    return -1
  }

  return { countWords, wordCounter, wordRanges, firstWordCut, lastWordCut }
}
