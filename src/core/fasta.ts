import type { CoreMemory } from './memory.js'

/** Lines of sequence that follow one another, in constant space. Widths count the line feed. */
export type FastaLines = {
  /** Bytes from `!` to `~` in these lines. */
  readonly residues: number
  /** Of the first line that is not blank; 2 when there is none, and the first blank one ends with CR LF; else 0. */
  readonly width: number
  /** Residues in that line. */
  readonly bases: number
  /** How many lines have that width, one after the other. */
  readonly count: number
  /** Its offset; 0 when there is none. */
  readonly start: number
  /** What the last line was: none there, one of these, a shorter one, blank. */
  readonly phase: 0 | 1 | 2 | 3
  /** A line is longer than the first, or follows a shorter or blank one. */
  readonly fault: boolean
  /** Lines of equal width differ in residues, or one has bytes that are neither residues nor its terminator. */
  readonly mixed: boolean
}

/** A piece of a line, without its line feed: `first` and `last` byte are -1 when it is empty. */
export type FastaLine = {
  readonly bytes: number
  readonly residues: number
  readonly first: number
  readonly last: number
}

/** What a stretch of a FASTA file tells without knowing what came before it, besides its headers. */
export type FastaFacts = {
  /** Before the first line feed; undefined `tail` says that there is none, and all is head. */
  readonly head: FastaLine
  readonly tail?: FastaLine
  /** The first bytes of the head and of the tail: what is needed of a header that is cut. */
  readonly headText: Uint8Array
  readonly tailText: Uint8Array
  /** Between head and first header, or all when there is no header. */
  readonly lead: FastaLines
  /** After the last header. */
  readonly last: FastaLines
}

/**
 * Told of a header line, without its line feed and cut off after `LONGEST_HEADER_TEXT` bytes; where it starts and
 * where the next line does, from the start of the stretch; and of the lines that came before it.
 */
export type OnHeader = (
  text: Uint8Array,
  start: number,
  after: number,
  residues: number,
  width: number,
  bases: number,
  fault: boolean,
  mixed: boolean,
) => void

/** Bytes of a header that are looked at. */
export const LONGEST_HEADER_TEXT = 16 << 10

/** Finds headers and line lengths of a stretch that arrives in pieces of any size. */
export interface FastaScanner {
  update(bytes: Uint8Array, onHeader: OnHeader): void
  finish(): FastaFacts
}

export interface FastaFunctions {
  fastaScanner(): FastaScanner
}

// Offsets of the state, as assembly/fasta.ts documents them.
const OPEN = 8
const HEAD = 32
const FEED = 56
const HEADERS = 60
const LEAD = 64
const LINES = 120
const STATE_SIZE = 176

/** What `fastaScan` takes at most, so that a header for every two bytes fits the output. */
const WINDOW = 32 << 10
const ENTRY = 6
const GT = 62

export function fastaFunctions(memory: CoreMemory): FastaFunctions {
  const { kernels, stage } = memory
  const at = kernels.fastaState()
  const state = memory.bytes.subarray(at, at + STATE_SIZE)
  const found = new Float64Array(memory.bytes.buffer, memory.output, (WINDOW / 2) * ENTRY)

  return {
    fastaScanner() {
      kernels.fastaReset()
      const own = state.slice()
      const view = new DataView(own.buffer)
      const headText = new TextStart()
      const openText = new TextStart()
      let position = 0
      return {
        update(bytes, onHeader) {
          state.set(own)
          if (view.getUint32(FEED, true) === 0) headText.push(bytes, 0)
          for (let start = 0; start < bytes.length; start += WINDOW) {
            const end = Math.min(start + WINDOW, bytes.length)
            const headers = kernels.fastaScan(stage(bytes, start, end), end - start)
            for (let i = 0; i < headers * ENTRY; i += ENTRY) {
              const from = (found[i] as number) - position
              const after = (found[i + 1] as number) - position
              if (from < 0) openText.push(bytes.subarray(0, after - 1), 0)
              const text =
                from < 0
                  ? openText.take()
                  : bytes.subarray(from, Math.min(after - 1, from + LONGEST_HEADER_TEXT))
              const flags = found[i + 5] as number
              onHeader(
                text,
                from + position,
                after + position,
                found[i + 2] as number,
                found[i + 3] as number,
                found[i + 4] as number,
                (flags & 1) !== 0,
                (flags & 2) !== 0,
              )
            }
          }
          own.set(state)
          const open = bytes.length - Number(view.getBigUint64(OPEN, true))
          if (open >= 0 || view.getInt32(OPEN + 16, true) !== GT) openText.clear()
          if (view.getInt32(OPEN + 16, true) === GT) openText.push(bytes, Math.max(open, 0))
          position += bytes.length
        },
        finish() {
          const hasFeed = view.getUint32(FEED, true) === 1
          const hasHeader = view.getUint32(HEADERS, true) === 1
          return {
            head: readLine(view, hasFeed ? HEAD : OPEN),
            ...(hasFeed ? { tail: readLine(view, OPEN) } : {}),
            headText: headText.take(),
            tailText: hasFeed ? openText.take() : new Uint8Array(0),
            lead: readLines(view, hasHeader ? LEAD : LINES),
            last: readLines(view, LINES),
          }
        },
      }
    },
  }
}

/** The first bytes of a line that comes in pieces. */
class TextStart {
  #pieces: Uint8Array[] = []
  #length = 0

  /** Adds `bytes` from `from` on, up to a line feed. */
  push(bytes: Uint8Array, from: number): void {
    const room = LONGEST_HEADER_TEXT - this.#length
    if (room === 0 || from >= bytes.length) return
    const piece = bytes.subarray(from, from + room)
    const feed = piece.indexOf(10)
    // A copy; `slice` of a Node Buffer is none.
    const text = new Uint8Array(feed === -1 ? piece : piece.subarray(0, feed))
    this.#pieces.push(text)
    this.#length += text.length
  }

  clear(): void {
    this.#pieces = []
    this.#length = 0
  }

  take(): Uint8Array {
    const text = new Uint8Array(this.#length)
    let at = 0
    for (const piece of this.#pieces) {
      text.set(piece, at)
      at += piece.length
    }
    this.clear()
    return text
  }
}

function readLine(view: DataView, at: number): FastaLine {
  return {
    bytes: Number(view.getBigUint64(at, true)),
    residues: Number(view.getBigUint64(at + 8, true)),
    first: view.getInt32(at + 16, true),
    last: view.getInt32(at + 20, true),
  }
}

function readLines(view: DataView, at: number): FastaLines {
  const count = (field: number) => Number(view.getBigUint64(at + field, true))
  const flags = view.getUint32(at + 44, true)
  return {
    residues: count(0),
    width: count(8),
    bases: count(16),
    count: count(24),
    start: count(32),
    phase: view.getUint32(at + 40, true) as FastaLines['phase'],
    fault: (flags & 1) !== 0,
    mixed: (flags & 2) !== 0,
  }
}
