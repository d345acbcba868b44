import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { possibleStates, type RowDialect } from '../../src/core/rows.js'
import { rowDialects, scanNaively, wildCsv } from './rows-oracle.js'

const core = await loadCore()

/** All that a scan tells, in one call or in pieces. */
function scan(
  bytes: Uint8Array,
  dialect: RowDialect,
  offset: number,
  state: number,
  pieces: readonly number[],
  separators: number | undefined,
) {
  const scanner = core.rowScanner(dialect, separators)
  const lane = scanner.lane(state, state !== 2)
  const counts: number[] = []
  const states: number[] = []
  let at = 0
  for (const piece of [...pieces, bytes.length]) {
    const part = bytes.subarray(at, Math.min(at + piece, bytes.length))
    scanner.scan(lane, part, offset + at, (rows, before, from) => {
      let first = 0
      if (from % 512 !== 0 && counts.length > 0) {
        counts[counts.length - 1] = (counts.at(-1) ?? 0) + (rows[0] ?? 0)
        first = 1
      }
      counts.push(...rows.subarray(first))
      states.push(...before.subarray(first))
    })
    at += part.length
  }
  const { seen, ...facts } = lane
  return { ...facts, counts, states: states.slice(offset % 512 === 0 ? 0 : 1) }
}

/** One of the states that are possible. */
const stateOf = (dialect: RowDialect, n: number) => {
  const states = possibleStates(dialect)
  return states[n % states.length] as number
}

describe('the row kernel', () => {
  it('is the automaton, byte by byte, whatever the pieces and the state it starts from', () => {
    fc.assert(
      fc.property(
        wildCsv,
        rowDialects,
        fc.nat(1100),
        fc.nat(7),
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
        fc.constantFrom(2, 1, undefined),
        (text, dialect, offset, n, pieces, separators) => {
          const state = stateOf(dialect, n)
          const bytes = new TextEncoder().encode(text)
          const expected = scanNaively(bytes, dialect, separators, offset, state)
          expect(scan(bytes, dialect, offset, state, pieces, separators)).toEqual(expected)
          expect(scan(bytes, dialect, offset, state, [], separators)).toEqual(expected)
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('finds the n-th row end', () => {
    fc.assert(
      fc.property(wildCsv, rowDialects, fc.nat(7), (text, dialect, n) => {
        const state = stateOf(dialect, n)
        const bytes = new TextEncoder().encode(text)
        const scanner = core.rowScanner(dialect)
        const { rowEnds } = scanNaively(bytes, dialect, 2, 0, state, true)
        expect(scanner.countRows({ state }, bytes)).toBe(rowEnds.length)
        for (const [i, end] of rowEnds.entries()) {
          expect(scanner.find({ state, left: i + 1 }, bytes)).toBe(end)
          const search = { state, left: i + 1 }
          const cut = i % (bytes.length + 1)
          const early = scanner.find(search, bytes.subarray(0, cut))
          expect(early === -1 ? cut + scanner.find(search, bytes.subarray(cut)) : early).toBe(end)
        }
        const search = { state, left: rowEnds.length + 3 }
        expect(scanner.find(search, bytes)).toBe(-1)
        expect(search.left).toBe(3)
      }),
    )
  })

  it('simplifies a state only where nothing that follows is read otherwise', () => {
    fc.assert(
      fc.property(wildCsv, rowDialects, fc.nat(7), (text, dialect, n) => {
        const state = stateOf(dialect, n)
        const bytes = new TextEncoder().encode(text)
        const [first] = bytes
        fc.pre(first !== undefined)
        const simple = core.rowScanner(dialect).simplest(state, first as number)
        const facts = (from: number) => {
          const { rowEnds, state: last } = scanNaively(bytes, dialect, 2, 0, from, true)
          return { rowEnds, last }
        }
        expect(facts(simple)).toEqual(facts(state))
      }),
      { numRuns: 500 },
    )
  })
})
