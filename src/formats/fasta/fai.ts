import { DataplugError } from '../../errors.js'
import { type Range, rangeLength } from '../../range.js'
import type { FastaEntry } from './entry.js'
import type { FastaAttributes } from './scan.js'
import { openFastaTable, type Sections } from './table.js'

// The index of samtools: for each sequence a line with its name, residues, offset, LINEBASES and LINEWIDTH, separated
// by tabs (http://www.htslib.org/doc/faidx.html).

/** What `exportFai` needs of an object: `CloudObject.open(FASTA, …)` gives it. */
export interface IndexedFasta {
  readonly uri: string
  readonly attributes: FastaAttributes
  index(): Omit<Sections, 'uri'>
}

/**
 * The `.fai` of a preprocessed object, byte for byte what `samtools faidx` writes, in pieces. As there, of several
 * sequences with one name the first stands for all, and those without lines are left out.
 *
 * @throws MALFORMED_DATA when lines of a sequence differ in length, as samtools does, and when its first line has no
 * residues but not all are blank, where samtools writes a row that it cannot read; NOT_PREPROCESSED, STALE_INDEX,
 * INVALID_INDEX
 */
export async function* exportFai(object: IndexedFasta): AsyncGenerator<Uint8Array> {
  const { uri } = object
  const file = object.index()
  const index: Sections = {
    uri,
    section: (name, range) => file.section(name, range),
    sectionLength: (name) => file.sectionLength(name),
  }
  const table = await openFastaTable(index, object.attributes.numSequences)
  const seen = new NameSet()
  for (let page = 0; page < table.pageCount; page++) {
    if (table.sequencesBefore(page + 1) === table.sequencesBefore(page)) continue
    const rows: string[] = []
    await table.named(page, (entry, bytes) => {
      const name = latin1(bytes)
      if (entry.fault) throw indescribable(uri, name, entry, 'lines differ in length')
      // samtools writes LINEBASES 0 here, and divides by it when it reads.
      if (entry.mixed && entry.lineBases === 0) {
        throw indescribable(uri, name, entry, 'the first line has no residues, but others are not blank')
      }
      if (entry.lineWidth === 0 || !seen.add(name)) return
      rows.push(`${name}\t${entry.residues}\t${entry.sequence}\t${entry.lineBases}\t${entry.lineWidth}\n`)
    })
    const text = rows.join('')
    // Names are whatever bytes they are.
    if (text !== '') yield Uint8Array.from(text, (character) => character.charCodeAt(0))
  }
}

function indescribable(uri: string, name: string, { start }: FastaEntry, why: string): DataplugError {
  return new DataplugError(
    'MALFORMED_DATA',
    `a .fai cannot describe sequence "${name.slice(0, 60)}" of ${uri}, at byte ${start}: ${why}`,
    { uri, offset: start },
  )
}

/** The bytes, each as the character of its number. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096))
  return text
}

/** Strings seen. A JavaScript Set ends at 2^24 of them. */
class NameSet {
  readonly #sets: Set<string>[] = [new Set()]

  /** False when it is there already. */
  add(name: string): boolean {
    if (this.#sets.some((set) => set.has(name))) return false
    const last = this.#sets.at(-1) as Set<string>
    if (last.size < 1 << 23) last.add(name)
    else this.#sets.push(new Set([name]))
    return true
  }
}

/**
 * Calls `use` with each sequence that a `.fai` describes and its name, in the order of the object. What lies between
 * one sequence's last line and the next one's first is taken to be the latter's header.
 *
 * @param name of the file, for messages
 * @param size bytes of the object
 * @throws INVALID_INDEX when it is none, or not one of an object of this size
 */
export function readFai(
  file: Uint8Array,
  name: string,
  size: number,
  use: (entry: FastaEntry, name: Uint8Array, row: number) => void,
): void {
  let reached = 0
  let at = 0
  for (let row = 1; at < file.length; row++) {
    const tab = file.indexOf(TAB, at)
    const own = file.subarray(at, tab)
    at = tab + 1
    // A loop over digits: millions of rows are no reason for millions of strings.
    const field = (end: number) => {
      let value = 0
      const from = at
      while (at < file.length) {
        const digit = (file[at] as number) - ZERO
        if (digit < 0 || digit > 9) break
        value = value * 10 + digit
        at++
      }
      const isLast = at === file.length && end === LF
      if (tab === -1 || at === from || at - from > 15 || (!isLast && file[at] !== end)) {
        throw invalidFai(name, `is none at line ${row}`)
      }
      at++
      return value
    }
    const residues = field(TAB)
    const sequence = field(TAB)
    const lineBases = field(TAB)
    const lineWidth = field(LF)
    if (lineWidth < lineBases || (residues > 0 && lineBases === 0)) {
      throw invalidFai(name, `has lines that cannot be at line ${row}`)
    }
    if (sequence - reached < 2) throw invalidFai(name, `has sequences out of order at line ${row}`)
    const full = afterLines(sequence, residues, lineBases, lineWidth)
    // The last line may lack its terminator.
    const after = Math.max(Math.min(full, size), full - (lineWidth - lineBases))
    if (after > size) {
      throw invalidFai(name, `has a sequence at line ${row} that ends past the object's ${size} bytes`)
    }
    // Blank lines at the end are part of the last.
    const end = at >= file.length ? size : after
    use(
      { start: reached, sequence, end, residues, lineBases, lineWidth, fault: false, mixed: false },
      own,
      row,
    )
    reached = after
  }
}

function afterLines(sequence: number, residues: number, lineBases: number, lineWidth: number): number {
  return (
    sequence + residues + (lineBases === 0 ? 0 : (lineWidth - lineBases) * Math.ceil(residues / lineBases))
  )
}

const TAB = 9
const LF = 10
const ZERO = 48

/** A place where a `.fai` can be checked: one header line and no other must stand there. */
export type FaiSample = {
  readonly range: Range
  /** As bytes, each a character; null for what follows the last sequence. */
  readonly name: string | null
}

const LONGEST_GAP = 64 << 10
const SAMPLES = 3

/**
 * A few places that tell best whether a `.fai` is that of the object: the first and the last header, those that seem
 * longest, some between, and what follows the last sequence.
 *
 * @throws INVALID_INDEX as `readFai`, and when there is more between sequences than a header can be
 */
export function faiSamples(file: Uint8Array, name: string, size: number): FaiSample[] {
  const chosen = new Map<number, FaiSample>()
  let longest: FaiSample[] = []
  let last: FaiSample | undefined
  let lastEnd = 0
  readFai(file, name, size, ({ start, sequence, residues, lineBases, lineWidth }, bytes, row) => {
    const length = sequence - start
    if (length > LONGEST_GAP) throw invalidFai(name, `leaves out what is before its line ${row}`)
    lastEnd = Math.min(afterLines(sequence, residues, lineBases, lineWidth), size)
    const part = Math.floor((start / size) * (SAMPLES + 1))
    const isLong = longest.length < SAMPLES || length > rangeLength((longest.at(-1) as FaiSample).range)
    const isLast = lastEnd >= size - LONGEST_GAP
    if (chosen.has(part) && !isLong && !isLast) return
    // With the line feed before it.
    last = { range: [Math.max(start - 1, 0), sequence], name: latin1(bytes) }
    if (!chosen.has(part)) chosen.set(part, last)
    if (isLong) {
      longest = [...longest, last]
        .sort((a, b) => rangeLength(b.range) - rangeLength(a.range))
        .slice(0, SAMPLES)
    }
  })
  if (size - lastEnd > LONGEST_GAP) throw invalidFai(name, 'leaves out what follows its last line')
  const samples = new Map(
    [...chosen.values(), ...longest, ...(last ? [last] : [])].map((one) => [one.range[0], one]),
  )
  return [...samples.values(), { range: [lastEnd, size], name: null }]
}

/** @throws INVALID_INDEX when `bytes`, those of the sample's range, are not what the `.fai` says */
export function checkSample({ range, name }: FaiSample, bytes: Uint8Array, file: string): void {
  const text = latin1(bytes)
  const wrong = (what: string) =>
    invalidFai(file, `does not fit the object: at byte ${range[0]} there is ${what}`)
  if (name === null) {
    if (/[^\r\n]/.test(text)) throw wrong('something after the last sequence')
    return
  }
  const match = /^([\r\n]*)>[ \t\v\f\r]*([^ \t\v\f\r\n]*)[^\n]*\n$/.exec(text)
  if (!match || (range[0] > 0 && !text.startsWith('\n')) || match[2] !== name) {
    throw wrong(`no header of "${name.slice(0, 60)}"`)
  }
}

export function invalidFai(name: string, what: string): DataplugError {
  return new DataplugError(
    'INVALID_INDEX',
    `the index ${name} ${what}; remove it, or have it ignored (formatOptions: { fai: false })`,
    { uri: name },
  )
}
