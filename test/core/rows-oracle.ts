import fc from 'fast-check'
import type { RowDialect } from '../../src/core/rows.js'

const [PLAIN, QUOTED, ROW_START, FIELD_START, CLOSED, ESCAPED, IN_COMMENT, CR_START] = [
  0, 1, 2, 3, 4, 5, 6, 7,
]

/** Delimited text read one byte after the other, straight from the definition. */
export function scanNaively(
  bytes: Uint8Array,
  dialect: RowDialect,
  expected: number | undefined,
  offset: number,
  from: number,
  withEnds = false,
) {
  const { newline, separator, quote, comment } = dialect
  const facts = {
    state: from,
    open: 0,
    partial: from !== ROW_START,
    rows: 0,
    head: 0,
    lastEnd: -1,
    ragged: 0,
    raggedRow: 0,
    raggedAt: 0,
    raggedHas: 0,
    skipped: 0,
  }
  const rowEnds: number[] = []
  const counts: number[] = []
  const states: number[] = []

  function endRow(i: number) {
    if (facts.partial) {
      facts.partial = false
      facts.head = facts.open
    } else if (expected !== undefined && facts.open !== expected) {
      if (facts.ragged++ === 0) {
        Object.assign(facts, { raggedRow: facts.rows, raggedAt: facts.lastEnd, raggedHas: facts.open })
      }
    }
    facts.rows++
    facts.open = 0
    facts.lastEnd = offset + i + 1
    counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1
    rowEnds.push(i + 1)
  }

  for (const [i, byte] of bytes.entries()) {
    const { state } = facts
    if (i === 0 || (offset + i) % 512 === 0) {
      counts.push(0)
      if ((offset + i) % 512 === 0) states.push(simplest(state, byte))
    }
    if (state === QUOTED) facts.state = byte === quote ? CLOSED : byte === dialect.escape ? ESCAPED : QUOTED
    else if (state === ESCAPED) facts.state = QUOTED
    else if (byte === newline) {
      if (state === ROW_START || state === CR_START || state === IN_COMMENT) facts.skipped++
      else endRow(i)
      facts.state = ROW_START
    } else if (state === IN_COMMENT) facts.state = IN_COMMENT
    else if (byte === separator) {
      facts.open++
      facts.state = FIELD_START
    } else if (byte === quote && (state === ROW_START || state === FIELD_START || state === CLOSED)) {
      facts.state = QUOTED
    } else if (byte === comment && state === ROW_START) facts.state = IN_COMMENT
    else if (byte === 13 && state === ROW_START && newline === 10) facts.state = CR_START
    else facts.state = PLAIN
  }
  // A ragged row before any row end seen began with the stretch itself, which only its caller can place.
  return { ...facts, counts, states, ...(withEnds ? { rowEnds } : {}) } as typeof facts & {
    counts: number[]
    states: number[]
    rowEnds: number[]
  }

  function simplest(state: number, byte: number): number {
    const special = byte === newline || byte === comment || (byte === 13 && newline === 10)
    if (state === ROW_START) return byte === quote ? FIELD_START : special ? ROW_START : PLAIN
    if (state === FIELD_START) return byte === quote ? FIELD_START : PLAIN
    if (state === CLOSED) return byte === quote ? CLOSED : PLAIN
    if (state === CR_START) return byte === newline ? CR_START : PLAIN
    return state
  }
}

const byte = (character: string) => character.charCodeAt(0)

export const rowDialects: fc.Arbitrary<RowDialect> = fc.record({
  newline: fc.constantFrom(10, 10, 10, 13),
  separator: fc.constantFrom(byte(','), byte(','), byte(';')),
  quote: fc.constantFrom(byte('"'), byte('"'), byte('"'), null),
  escape: fc.constantFrom(null, null, byte('\\')),
  comment: fc.constantFrom(null, null, byte('#')),
})

/** Text in which everything that means something is frequent, in long runs and in short ones. */
export const wildCsv = fc
  .array(
    fc.oneof(
      fc.array(fc.constantFrom('"', '"', ',', '\n', '\r', '\r\n', 'a', '\\', '#', ';', '\n\n'), {
        maxLength: 40,
      }),
      fc.array(
        fc.constantFrom('a,b,c\n', '"a","b""c",d\n', 'x,"y\ny",z\r\n', 'é,,\n', '\n', '\r\n', '1,2\n'),
        {
          maxLength: 12,
        },
      ),
      fc.nat(200).map((n) => ['x'.repeat(n)]),
      fc.nat(60).map((n) => ['a,"b",c\n'.repeat(n)]),
      fc.nat(40).map((n) => ['"one, ""two""","three\r\n",four five six seven\r\n'.repeat(n)]),
      fc.nat(300).map((n) => ['1\n'.repeat(n)]),
      fc.nat(80).map((n) => ['abcdefg,h\n'.repeat(n), '\n']),
      fc.nat(80).map((n) => ['abcdef,h\r\n'.repeat(n), '\r\n']),
      fc.nat(200).map((n) => ['ab,cd,efgh\n'.repeat(n)]),
      fc.nat(90).map((n) => ['"', 'q,\n'.repeat(n), '"']),
    ),
    { maxLength: 12 },
  )
  .map((runs) => runs.flat().join(''))
