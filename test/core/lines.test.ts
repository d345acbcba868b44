import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { checkOffsetsFit } from '../../src/core/positions.js'
import { lengths, linePositions, mixture, same, someBytes } from './oracles.js'

const core = await loadCore()

function check(bytes: Uint8Array): void {
  const expected = linePositions(bytes)
  expect(core.countLines(bytes)).toBe(expected.length)
  expect(same(core.linePositions(bytes), expected)).toBe(true)
  expect(core.lastLineCut(bytes)).toBe((expected.at(-1) ?? -2) + 1)
  for (const n of [1, 2, Math.ceil(expected.length / 2), expected.length]) {
    if (n >= 1) expect(core.nthLine(bytes, n)).toBe((expected[n - 1] ?? -2) + 1)
  }
  expect(core.nthLine(bytes, expected.length + 1)).toBe(-1)
  for (const from of [0, 1, 2, bytes.length >> 1, bytes.length - 1, bytes.length, bytes.length + 1]) {
    const cut = expected.find((at) => at + 1 >= from)
    expect(core.firstLineCut(bytes, from)).toBe(cut === undefined ? -1 : cut + 1)
  }
}

describe('line kernels', () => {
  test('equal the oracle on arbitrary bytes', () => {
    fc.assert(fc.property(someBytes, check), { numRuns: 300 })
  })

  test.each([1, 2, 40, 5000])('equal it at every boundary, one line feed in %i bytes', (every) => {
    for (const length of lengths) check(mixture(length, every, [10], length + every))
  })

  test('find a lone line feed wherever it lies', () => {
    for (const length of [1, 63, 64, 65, 700, 65_537, 131_073]) {
      for (const at of [0, 15, 16, 63, 64, 511, 512, 65_535, 65_536, length - 1]) {
        if (at >= length) continue
        const bytes = new Uint8Array(length).fill(0x8a)
        bytes[at] = 10
        check(bytes)
      }
    }
  })

  test('are not misled by what an earlier call left behind', () => {
    core.countLines(new Uint8Array(70_000).fill(10))
    for (let length = 0; length <= 130; length++) check(new Uint8Array(length).fill(97))
  })

  test('read views at any offset of a larger buffer', () => {
    const bytes = mixture(3000, 7, [10])
    for (let offset = 0; offset < 70; offset++) check(bytes.subarray(offset, offset + 1000 + offset))
  })

  test('reject line numbers that do not exist', () => {
    for (const n of [0, -1, 1.5, Number.NaN]) {
      expect(() => core.nthLine(new Uint8Array(3), n)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    }
  })

  test('refuse positions beyond 32 bits', () => {
    expect(() => checkOffsetsFit(2 ** 32)).not.toThrow()
    expect(() => checkOffsetsFit(2 ** 32 + 1)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
