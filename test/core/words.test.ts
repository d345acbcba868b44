import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { lengths, mixture, pieces, same, someBytes, spaceBytes, wordCuts, wordRanges } from './oracles.js'

const core = await loadCore()

function check(bytes: Uint8Array): void {
  const ranges = wordRanges(bytes)
  expect(core.countWords(bytes)).toBe(ranges.length / 2)
  expect(same(core.wordRanges(bytes), ranges)).toBe(true)
  const cuts = wordCuts(bytes)
  expect(core.lastWordCut(bytes)).toBe(cuts.at(-1) ?? -1)
  for (const from of [0, 1, 2, bytes.length >> 1, bytes.length - 1, bytes.length, bytes.length + 1]) {
    expect(core.firstWordCut(bytes, from)).toBe(cuts.find((cut) => cut >= from) ?? -1)
  }
}

describe('word kernels', () => {
  test('equal the oracle on arbitrary bytes', () => {
    fc.assert(fc.property(someBytes, check), { numRuns: 300 })
  })

  test.each([1, 2, 6, 5000])('equal it at every boundary, white space in one of %i bytes', (every) => {
    for (const length of lengths) check(mixture(length, every, spaceBytes, length + every))
  })

  test('know white space among all bytes', () => {
    check(Uint8Array.from({ length: 256 }, (_, i) => i))
    check(Uint8Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? 97 : i >> 1)))
  })

  test('never cut between CR and LF, nor behind a CR at the end', () => {
    for (let at = 0; at < 140; at++) {
      const bytes = new Uint8Array(140).fill(97)
      bytes[at] = 13
      check(bytes)
      if (at + 1 < bytes.length) bytes[at + 1] = 10
      check(bytes)
      check(bytes.subarray(0, at + 1))
    }
    for (const at of [510, 511, 512, 65_534, 65_535, 65_536]) {
      const bytes = new Uint8Array(70_000).fill(97)
      bytes.set([13, 10], at)
      expect(core.firstWordCut(bytes, 0)).toBe(at + 2)
      expect(core.lastWordCut(bytes)).toBe(at + 2)
      expect(core.firstWordCut(bytes.subarray(0, at + 1), 0)).toBe(-1)
      expect(core.lastWordCut(bytes.subarray(0, at + 1))).toBe(-1)
    }
  })

  test('never cut inside a UTF-8 sequence', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(400), (text, from) => {
        const bytes = new TextEncoder().encode(text)
        for (const cut of [core.firstWordCut(bytes, from), core.lastWordCut(bytes)]) {
          if (cut !== -1 && cut < bytes.length) expect((bytes[cut] ?? 0) & 0xc0).not.toBe(0x80)
        }
      }),
    )
  })

  test('count the same however a stream is cut', () => {
    fc.assert(
      fc.property(someBytes, fc.array(fc.nat(1500), { maxLength: 8 }), (bytes, cuts) => {
        const counter = core.wordCounter()
        for (const piece of pieces(bytes, cuts)) counter.update(piece)
        expect(counter.finish()).toBe(wordRanges(bytes).length / 2)
      }),
    )
  })
})
