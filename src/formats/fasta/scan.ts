import type { Core, FastaFacts, FastaLines } from '../../core/core.js'
import type { Chunk, Part } from '../format.js'
import { nameOf } from './name.js'
import { PageCollector, type PagesPart } from './pages.js'

export type FastaAttributes = {
  readonly numSequences: number
  /** Bytes from `!` to `~` in all sequences. */
  readonly totalResidues: number
  /** The longest sequence, the first of several; null when there is none. */
  readonly longest: { readonly name: string; readonly length: number } | null
}

/** What one task knows, with the sequences that start and end in its chunk. Offsets count from the object's start. */
export type FastaPart = PagesPart &
  FastaFacts & {
    readonly start: number
    readonly end: number
    /** Where the first header starts; the last one, and what follows it. Absent when there is none. */
    readonly headers?: readonly [first: number, last: number, after: number]
    /** Name of the last sequence. */
    readonly name: Uint8Array
    readonly residues: number
    /** Length of the longest of these, and its name; -1 when there is none. */
    readonly longest: number
    readonly longestName: Uint8Array
  }

const NOTHING = new Uint8Array(0)

/** Map: finds the sequences that begin and end in a chunk, and what its edges tell of others. */
export async function scanFasta(chunk: Chunk, core: Core): Promise<Part> {
  const scanner = core.fastaScanner()
  const collector = new PageCollector()
  const [base] = chunk.range
  let first = -1
  let last = 0
  let after = 0
  let name: Uint8Array = NOTHING
  let residues = 0
  let longest = -1
  let longestName: Uint8Array = NOTHING
  for await (const piece of chunk.stream()) {
    scanner.update(piece, (text, start, next, count, lineWidth, lineBases, fault, mixed) => {
      if (first === -1) first = base + start
      else {
        collector.add(
          {
            start: last,
            sequence: after,
            end: base + start,
            residues: count,
            lineBases,
            lineWidth,
            fault,
            mixed,
          },
          name,
        )
        residues += count
        if (count > longest) {
          longest = count
          longestName = name
        }
      }
      last = base + start
      after = base + next
      name = new Uint8Array(nameOf(text, chunk.source.uri, last))
    })
  }
  const part: FastaPart = {
    start: base,
    end: chunk.range[1],
    ...shifted(scanner.finish(), base),
    ...(first === -1 ? {} : { headers: [first, last, after] as const }),
    name,
    ...collector.part(),
    residues,
    longest,
    longestName,
  }
  return part
}

function shifted(facts: FastaFacts, base: number): FastaFacts {
  const shift = (lines: FastaLines) => (lines.count === 0 ? lines : { ...lines, start: lines.start + base })
  return { ...facts, lead: shift(facts.lead), last: shift(facts.last) }
}
