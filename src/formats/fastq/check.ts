import type { FastqFacts, FastqLineClass, LinePiece } from '../../core/fastq.js'
import { DataplugError } from '../../errors.js'

/** What preprocessing finds out about a FASTQ object. */
export type FastqAttributes = {
  readonly totalReads: number
  /** Sum of the lengths of all sequences. */
  readonly totalBases: number
  /** 0 when there are no reads. */
  readonly minReadLength: number
  readonly maxReadLength: number
}

export interface FastqCheck {
  /** The stretch `[start, end)` of the content, next after those before. */
  add(facts: FastqFacts, start: number, end: number): void
  /** @throws MALFORMED_DATA with the number of the first faulty read and the offset of the faulty line */
  finish(): FastqAttributes
}

/** Something that no FASTQ file has. `line` counts from 0, `offset` is where that line starts. */
interface Fault {
  readonly line: number
  readonly offset: number
  readonly what: string
}

const CR = 13
const AT = 64
const PLUS = 43

const NOTHING: LinePiece = [0, -1, -1]

/**
 * Puts together what is known of consecutive stretches, and reads the whole as records of four lines. Since
 * it counts lines from the start, each line has one role and nothing is guessed.
 */
export function createFastqCheck(object: { readonly uri: string; readonly size: number }): FastqCheck {
  /** Complete lines so far, and the line that goes on. */
  let line = 0
  let open: LinePiece = NOTHING
  let openOffset = 0
  /** Lengths of the last line and of the one before. */
  let recent: readonly number[] = []
  let lastFull = -1
  let firstBlankSequence: number | undefined
  let shortest = Number.POSITIVE_INFINITY
  let longest = 0
  let bases = 0
  let fault: Fault | undefined

  /** The next lines, those of class i in role (line + i) % 4. Their offsets count from `start`. */
  function take(facts: Lines, start: number): void {
    const { lines, early, classes } = facts
    if (lines === 0) return
    const inRole = (role: number) => classes[(((role - line) % 4) + 4) % 4] as FastqLineClass
    const headers = inRole(0)
    const sequences = inRole(1)
    const pluses = inRole(2)
    const found: Fault[] = []
    const add = (number: number, offset: number, what: string) =>
      found.push({ line: line + number, offset: start + offset, what })
    if (headers.notAt) add(...headers.notAt, 'its first line does not start with "@"')
    if (pluses.notPlus) add(...pluses.notPlus, 'its third line does not start with "+"')
    if (sequences.unlike) {
      const [number, offset, length, other] = sequences.unlike
      add(number + 2, offset, unlike(length, other))
    }
    // A sequence before this stretch whose quality is in it.
    for (const [i, [offset, length]] of early.entries()) {
      const before = recent[1 - i]
      if ((line + i) % 4 === 3 && before !== undefined && before !== length)
        add(i, offset, unlike(before, length))
    }
    for (const one of found) if (fault === undefined || one.line < fault.line) fault = one

    bases += sequences.sum
    longest = Math.max(longest, sequences.longest)
    shortest = Math.min(shortest, sequences.shortest ?? shortest)
    if (sequences.blank !== null) firstBlankSequence ??= line + sequences.blank
    if (facts.lastFull >= 0) lastFull = line + facts.lastFull
    recent = lines >= 2 ? facts.recent : [...facts.recent, ...recent].slice(0, 2)
    line += lines
  }

  function closeLine(): void {
    take(oneLine(open), openOffset)
    open = NOTHING
  }

  return {
    add(facts, start, end) {
      open = join(open, facts.head)
      if (facts.lineFeeds === 0) return
      closeLine()
      take(facts, start)
      open = facts.tail
      openOffset = end - open[0]
    },

    finish() {
      if (open[0] > 0) closeLine()
      // Blank lines after the last record are none; those that its own four lines end with are its.
      const totalReads = Math.ceil((lastFull + 1) / 4)
      const lines = totalReads * 4
      if (fault && fault.line < lines) throw malformed(fault)
      if (line < lines) {
        const what = `the object ends after ${line % 4} of them`
        throw malformed({ line, offset: object.size, what })
      }
      const hasBlank = firstBlankSequence !== undefined && firstBlankSequence < lines
      return {
        totalReads,
        totalBases: bases,
        minReadLength: hasBlank || totalReads === 0 ? 0 : shortest,
        maxReadLength: longest,
      }
    },
  }

  function malformed({ line: number, offset, what }: Fault): DataplugError {
    return new DataplugError(
      'MALFORMED_DATA',
      `read ${Math.floor(number / 4) + 1} of ${object.uri} is not four lines: ${what} (byte ${offset} of the content). ` +
        'Sequences wrapped over several lines must be unwrapped first, for example by "seqtk seq -l0"',
      { uri: object.uri, offset },
    )
  }
}

function unlike(sequence: number, quality: number): string {
  return `its sequence has ${sequence} characters and its quality ${quality}`
}

function join(a: LinePiece, b: LinePiece): LinePiece {
  if (a[0] === 0) return b
  return b[0] === 0 ? a : [a[0] + b[0], a[1], b[2]]
}

type Lines = Pick<FastqFacts, 'lines' | 'lastFull' | 'early' | 'recent' | 'classes'>

const NO_LINES: FastqLineClass = {
  sum: 0,
  longest: 0,
  shortest: null,
  blank: null,
  notAt: null,
  notPlus: null,
  unlike: null,
}

/** A single line, as a stretch. */
function oneLine([bytes, first, last]: LinePiece): Lines {
  const length = last === CR ? bytes - 1 : bytes
  const only: FastqLineClass = {
    sum: length,
    longest: length,
    shortest: length || null,
    blank: length === 0 ? 0 : null,
    notAt: first === AT ? null : [0, 0],
    notPlus: first === PLUS ? null : [0, 0],
    unlike: null,
  }
  return {
    lines: 1,
    lastFull: length > 0 ? 0 : -1,
    early: [[0, length]],
    recent: [length],
    classes: [only, NO_LINES, NO_LINES, NO_LINES],
  }
}
