import type { LineFunctions } from './lines.js'
import type { CoreMemory } from './memory.js'
import { WINDOW } from './windows.js'

/**
 * A piece of a line: how many bytes, the first and the last of them (-1 for none). Neither line feed nor
 * knowledge of what it belongs to.
 */
export type LinePiece = readonly [bytes: number, first: number, last: number]

/** Of two lines that should be equally long: number of the first, offset of the second, both lengths. */
export type UnlikeLines = readonly [line: number, offset: number, length: number, otherLength: number]

/** What is known of every fourth line. Numbers of lines count from 0; null where there is no such line. */
export type FastqLineClass = {
  /** Sum, maximum and minimum of the lengths; blank lines do not count for the minimum. */
  readonly sum: number
  readonly longest: number
  readonly shortest: number | null
  /** Number of the first blank line. */
  readonly blank: number | null
  /** Number and offset of the first line that does not start with `@`, and with `+`. */
  readonly notAt: readonly [line: number, offset: number] | null
  readonly notPlus: readonly [line: number, offset: number] | null
  /** The first line that is not as long as the one two lines further on. */
  readonly unlike: UnlikeLines | null
}

/**
 * What a stretch of a FASTQ file tells without knowing what came before it, in constant space. Lengths
 * leave out line feed and carriage return; offsets count from the start of the stretch.
 */
export type FastqFacts = {
  readonly lineFeeds: number
  /** Before the first line feed, and after the last. Without any, all of it is head. */
  readonly head: LinePiece
  readonly tail: LinePiece
  /** Complete lines between head and tail. Line `i` is of class `i % 4`. */
  readonly lines: number
  /** Number of the last of them that is not blank, else -1. */
  readonly lastFull: number
  /** Offset and length of the first two, as far as there are any. */
  readonly early: readonly (readonly [offset: number, length: number])[]
  /** Lengths of the last and of the one before it. */
  readonly recent: readonly number[]
  /** Four, or none when there are no lines. */
  readonly classes: readonly FastqLineClass[]
}

/** Gathers `FastqFacts` of a stream that arrives in pieces of any size. */
export interface FastqScanner {
  update(bytes: Uint8Array): void
  finish(): FastqFacts
}

/**
 * Why there is no record start to give. `ambiguous`: too few lines to tell one way to read them from another; give more
 * bytes. `none`: no record starts there. `malformed`: the lines are no records of four, however they are read.
 */
export type FastqDoubt = 'ambiguous' | 'none' | 'malformed'

export interface FastqFunctions {
  fastqScanner(): FastqScanner
  /**
   * Offset of the first FASTQ record that starts at or after `from`, in bytes that begin and end anywhere:
   * what comes before the first line feed and after the last decides nothing. All complete lines must fit: each header starts
   * with `@`, each third line with `+`, and each quality is as long as its sequence. So neither an `@` nor a `+` that
   * opens a quality line misleads; where several readings fit, that is the answer.
   */
  fastqRecordStart(bytes: Uint8Array, from: number): number | FastqDoubt
}

// Offsets of the state, as assembly/fastq.ts documents them.
const FEEDS = 8
const OPEN = 16
const HEAD = 32
const LINES = 48
const RECENT = 56
const EARLY = 72
const FULL = 104
const CLASSES = 112
const CLASS_SIZE = 96
const STATE_SIZE = CLASSES + 4 * CLASS_SIZE

const MALFORMED = -2

export function fastqFunctions(memory: CoreMemory, lines: LineFunctions): FastqFunctions {
  const { kernels, stage } = memory
  const at = kernels.fastqState()
  const state = memory.bytes.subarray(at, at + STATE_SIZE)

  function scan(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; start += WINDOW) {
      const end = Math.min(start + WINDOW, bytes.length)
      kernels.fastqScan(stage(bytes, start, end), end - start)
    }
  }

  function fastqScanner(): FastqScanner {
    kernels.fastqReset()
    const own = state.slice()
    return {
      update(bytes) {
        state.set(own)
        scan(bytes)
        own.set(state)
      },
      finish: () => readFacts(new DataView(own.buffer)),
    }
  }

  function fastqRecordStart(bytes: Uint8Array, from: number): number | FastqDoubt {
    kernels.fastqReset()
    scan(bytes)
    const phase = kernels.fastqPhase()
    if (phase < 0) return phase === MALFORMED ? 'malformed' : 'ambiguous'
    // Line i begins after line feed number i + 1. That of a line at `from` lies just before.
    const before = lines.countLines(bytes.subarray(0, Math.max(from - 1, 0)))
    const line = before + ((phase - (before % 4) + 4) % 4)
    const start = lines.nthLine(bytes, line + 1)
    return start === -1 || start === bytes.length ? 'none' : start
  }

  return { fastqScanner, fastqRecordStart }
}

function readFacts(view: DataView): FastqFacts {
  const count = (at: number) => Number(view.getBigUint64(at, true))
  const piece = (at: number): LinePiece => [
    count(at),
    view.getInt32(at + 8, true),
    view.getInt32(at + 12, true),
  ]
  const lines = count(LINES)
  const early = ([0, 1] as const).slice(0, lines)
  const lineFeeds = count(FEEDS)
  const nothing: LinePiece = [0, -1, -1]
  return {
    lineFeeds,
    head: piece(lineFeeds === 0 ? OPEN : HEAD),
    tail: lineFeeds === 0 ? nothing : piece(OPEN),
    lines,
    lastFull: count(FULL) - 1,
    early: early.map((i) => [count(EARLY + 16 * i), count(EARLY + 16 * i + 8)]),
    recent: early.map((i) => count(RECENT + 8 * i)),
    classes: lines === 0 ? [] : [0, 1, 2, 3].map((i) => readClass(view, CLASSES + i * CLASS_SIZE)),
  }
}

function readClass(view: DataView, at: number): FastqLineClass {
  const count = (field: number) => Number(view.getBigUint64(at + field, true))
  const some = (field: number) => (Number.isSafeInteger(count(field)) ? count(field) : null)
  const found = (field: number) => (some(field) === null ? null : ([count(field), count(field + 8)] as const))
  return {
    sum: count(0),
    longest: count(8),
    shortest: some(16),
    blank: some(24),
    notAt: found(32),
    notPlus: found(48),
    unlike: some(64) === null ? null : [count(64), count(72), count(80), count(88)],
  }
}
