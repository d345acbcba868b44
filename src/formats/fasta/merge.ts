import { concat } from '../../bytes.js'
import type { FastaLine, FastaLines } from '../../core/core.js'
import { LONGEST_HEADER_TEXT } from '../../core/fasta.js'
import { DataplugError } from '../../errors.js'
import type { Built, MergeContext, Part } from '../format.js'
import { nameOf } from './name.js'
import { PageJoiner } from './pages.js'
import type { FastaAttributes, FastaPart } from './scan.js'

const NOTHING = new Uint8Array(0)
const NO_LINES: FastaLines = {
  residues: 0,
  width: 0,
  bases: 0,
  count: 0,
  start: 0,
  phase: 0,
  fault: false,
  mixed: false,
}
const NO_LINE: FastaLine = { bytes: 0, residues: 0, first: -1, last: -1 }
const GT = 62
const CR = 13

/** Lines `a`, followed by lines `b`. */
function followedBy(a: FastaLines, b: FastaLines): FastaLines {
  if (a.phase === 0) return b
  if (b.phase === 0) return a
  const mixed = a.mixed || b.mixed
  const all = { ...a, residues: a.residues + b.residues, mixed, fault: a.fault || b.fault }
  if (b.count === 0) return { ...all, phase: 3 }
  // The first line that is not blank says how wide lines are, even when it comes too late.
  if (a.count === 0) return { ...b, residues: all.residues, mixed, fault: true }
  if (a.phase !== 1 || b.width > a.width) return { ...all, phase: b.phase, fault: true }
  if (b.width === a.width) {
    return { ...all, count: a.count + b.count, mixed: mixed || b.bases !== a.bases, phase: b.phase }
  }
  // The first of `b` is the shorter one that ends a sequence.
  const onlyOne = b.count === 1 && b.phase !== 2
  return { ...all, phase: b.phase === 3 ? 3 : 2, fault: all.fault || !onlyOne }
}

/** A line, as `FastaLines`. `start` is its offset. */
function asLines({ bytes, residues, last }: FastaLine, start: number): FastaLines {
  const cr = last === CR ? 1 : 0
  if (bytes === cr) return { ...NO_LINES, phase: 3, width: cr === 1 ? 2 : 0 }
  return {
    residues,
    width: bytes + 1,
    bases: residues,
    count: 1,
    start,
    phase: 1,
    fault: false,
    mixed: residues !== bytes - cr,
  }
}

interface OpenSequence {
  readonly start: number
  readonly sequence: number
  readonly name: Uint8Array
}

/**
 * Reduce: joins the lines that chunks have cut, and with them the sequences.
 *
 * @throws MALFORMED_DATA when something other than blank lines comes before the first header
 */
export function mergeFasta(parts: readonly Part[], { uri, size }: MergeContext): Built<FastaAttributes> {
  const joiner = new PageJoiner()
  let totalResidues = 0
  let longest = -1
  let longestName: Uint8Array = NOTHING
  let sequence: OpenSequence | undefined
  let lines = NO_LINES
  let line = NO_LINE
  let lineStart = 0
  let text: Uint8Array = NOTHING

  const take = (more: FastaLines) => {
    if (!sequence && more.count > 0) throw notFasta(uri, more.start)
    lines = followedBy(lines, more)
  }
  const longer = (length: number, name: Uint8Array) => {
    if (length <= longest) return
    longest = length
    longestName = name
  }
  const close = (end: number) => {
    if (sequence) {
      const { residues, bases: lineBases, width: lineWidth, fault, mixed } = lines
      const { start, sequence: from, name } = sequence
      joiner.add({ start, sequence: from, end, residues, lineBases, lineWidth, fault, mixed }, name)
      totalResidues += residues
      longer(residues, name)
    }
    sequence = undefined
    lines = NO_LINES
  }
  const endLine = (next: number) => {
    if (line.first === GT) {
      close(lineStart)
      sequence = { start: lineStart, sequence: next, name: nameOf(text, uri, lineStart) }
    } else take(asLines(line, lineStart))
    line = NO_LINE
  }

  for (const value of parts) {
    const part = value as unknown as FastaPart
    const { start, head, tail, headText, headers } = part
    if (line.bytes === 0) lineStart = start
    if (line.bytes === 0) text = headText
    else if (line.first === GT && text.length < LONGEST_HEADER_TEXT) text = concat([text, headText])
    line = joinLine(line, head)
    if (!tail) continue
    endLine(start + head.bytes + 1)
    take(part.lead)
    if (headers) {
      const [first, last, after] = headers
      close(first)
      joiner.addPages(part, uri)
      totalResidues += part.residues
      if (part.longest >= 0) longer(part.longest, part.longestName)
      sequence = { start: last, sequence: after, name: part.name }
      lines = part.last
    }
    line = tail
    lineStart = part.end - tail.bytes
    text = part.tailText
  }
  // What follows the last line feed is a line, as if it had one.
  if (line.bytes > 0) endLine(size)
  close(size)
  return {
    attributes: {
      numSequences: joiner.count,
      totalResidues,
      longest: longest < 0 ? null : { name: new TextDecoder().decode(longestName), length: longest },
    },
    sections: joiner.finish(size),
  }
}

function joinLine(a: FastaLine, b: FastaLine): FastaLine {
  if (a.bytes === 0 || b.bytes === 0) return a.bytes === 0 ? b : a
  return { bytes: a.bytes + b.bytes, residues: a.residues + b.residues, first: a.first, last: b.last }
}

function notFasta(uri: string, offset: number): DataplugError {
  return new DataplugError(
    'MALFORMED_DATA',
    `${uri} is not FASTA: at byte ${offset} there is a line before the first ">" header`,
    { uri, offset },
  )
}
