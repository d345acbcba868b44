import { release } from '../bytes.js'
import { combineCrc, crcTable, multiply } from './crc-algebra.js'
import { checkTrailer } from './gunzip.js'
import type { GzipPart, LineCount, MarkerPairs, Symbols } from './gzip-part.js'
import { malformed } from './inflate-status.js'
import { WINDOW_SIZE } from './inflater.js'
import { denseWindow } from './sparse-window.js'

/** A place in a gzip stream at which decoding can start. */
export interface SeekPoint {
  /** First bit of a block header, from the start of the object. */
  readonly bit: number
  /** Decoded bytes before it. */
  readonly output: number
  /** Line feeds before it. */
  readonly lines: number
  /**
   * What decoding needs of the bytes before it, at most 32 KiB, the last being the newest. Bytes that are
   * not needed are zero, and left out at the front.
   */
  readonly window: Uint8Array<ArrayBuffer>
}

export interface GzipMember {
  /** Offset of the byte after its trailer. */
  readonly end: number
  /** Decoded bytes. */
  readonly size: number
}

/** Joins the parts of a stream, first to last. Each needs only what this remembers of those before. */
export interface GzipReducer {
  /** Where the next part must start; undefined before the first, which is added unseen, and after the last. */
  readonly bit: number | undefined
  /** The up to 32 KiB before that place, for decoding a chunk again whose start was guessed wrong. */
  readonly window: Uint8Array
  /** Totals so far. */
  readonly output: number
  readonly lines: number
  /**
   * What to do with the result of the chunk that should start next: 'add' it; 'skip' it, since the chunk
   * before went on through it; or 'repair', that is, decode the chunk again from `bit` with `window` and add
   * that.
   *
   * @param until where that chunk was told to end
   */
  decide(part: GzipPart | undefined, until: number): 'add' | 'skip' | 'repair'
  /**
   * Adds the next part and returns its seek points and the members that end in its segments.
   *
   * @throws MALFORMED_DATA when CRC-32 or size of a member are not those of its trailer, or a match
   *   reaches before the start of its member
   */
  add(part: GzipPart): { readonly points: readonly SeekPoint[]; readonly members: readonly GzipMember[] }
}

export function createGzipReducer(name = 'the object'): GzipReducer {
  let bit: number | undefined
  let window: Uint8Array = new Uint8Array(0)
  let output = 0
  let lines = 0
  let member = { crc: 0, size: 0 }

  function add(part: GzipPart) {
    if (part.reach > window.length) {
      const byte = Math.floor(part.start / 8)
      throw malformed(
        `${name} is not valid deflate data after bit ${part.start}: a distance reaches before the start of the data`,
        byte,
      )
    }
    const points = part.points.map((point) => {
      lines += countLines(point.lines, window)
      const kept = resolveSymbols(point.window.symbols, window)
      const dense = denseWindow(point.window.mask, kept)
      release(kept)
      return { bit: point.bit, output: output + point.output, lines, window: dense }
    })
    lines += countLines(part.lines, window)
    output += part.size

    const members: GzipMember[] = []
    part.segments.forEach((segment, i) => {
      const crc = i === 0 ? resolveCrc(segment.crc, part.factors, window) : segment.crc
      // Joining two CRCs takes a microsecond, and BGZF has a member every 64 KiB.
      member =
        member.size === 0
          ? { crc, size: segment.size }
          : { crc: combineCrc(member.crc, crc, segment.size), size: member.size + segment.size }
      if (!segment.trailer) return
      checkTrailer(segment.trailer, member, name)
      members.push({ end: segment.trailer.end, size: member.size })
      member = { crc: 0, size: 0 }
    })
    window = resolveSymbols(part.tail, window)
    bit = part.end
    return { points, members }
  }

  return {
    get bit() {
      return bit
    },
    get window() {
      return window
    },
    get output() {
      return output
    },
    get lines() {
      return lines
    },
    decide(part, until) {
      if (bit === undefined || bit >= until) return 'skip'
      return part?.start === bit ? 'add' : 'repair'
    },
    add,
  }
}

/** Byte of a window, which may be shorter than 32 KiB, for a marker 0..32767. */
function byteAt(window: Uint8Array, marker: number): number {
  return window[marker - WINDOW_SIZE + window.length] ?? 0
}

/** The byte for a symbol, given the window before the chunk. */
function resolve(symbol: number, window: Uint8Array): number {
  return symbol < WINDOW_SIZE ? symbol : byteAt(window, symbol - WINDOW_SIZE)
}

/** Line feeds, once the window is known. */
export function countLines(lines: LineCount, window: Uint8Array): number {
  const { markers, values } = lines.markers
  let count = lines.literal
  for (let k = 0; k < markers.length; k++) {
    if (byteAt(window, markers[k] ?? 0) === 10) count += values[k] ?? 0
  }
  return count
}

/** CRC-32 of a segment, once the window is known, from the one with zeros for markers and the factors. */
export function resolveCrc(crc: number, factors: MarkerPairs, window: Uint8Array): number {
  // Sums the factors of equal bytes first, so that at most 256 products are left.
  const sums = new Uint32Array(256)
  factors.markers.forEach((marker, k) => {
    const byte = byteAt(window, marker)
    sums[byte] = (sums[byte] ?? 0) ^ (factors.values[k] ?? 0)
  })
  let sum = crc
  for (let byte = 1; byte < 256; byte++) sum ^= multiply(sums[byte] ?? 0, crcTable[byte] ?? 0)
  return sum >>> 0
}

/** The bytes for some of the symbols before a place, oldest first, and with the window before the chunk. */
export function resolveSymbols(symbols: Symbols, window: Uint8Array): Uint8Array<ArrayBuffer> {
  // The oldest may be from before the start of the member, where there are no bytes.
  const outside = 2 * WINDOW_SIZE - window.length
  let first = 0
  while (first < symbols.length && (symbols[first] ?? 0) >= WINDOW_SIZE && (symbols[first] ?? 0) < outside)
    first++
  const bytes = new Uint8Array(symbols.length - first)
  for (let i = 0; i < bytes.length; i++) bytes[i] = resolve(symbols[first + i] ?? 0, window)
  return bytes
}
