import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { lengths, lineBlocks, mixture, pieces, same } from './oracles.js'

const core = await loadCore()

test('equals the oracle for any block size, phase and cutting', () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(64, 128, 192, 512, 4032, 4096),
      fc.nat(5000),
      fc.array(fc.nat(5000), { maxLength: 8 }),
      (length, every, blockSize, anyPhase, cuts) => {
        const phase = anyPhase % blockSize
        const bytes = mixture(length, every, [10], length)
        const counter = core.lineBlockCounter(blockSize, phase)
        const taken: number[] = []
        for (const [i, piece] of pieces(bytes, cuts).entries()) {
          counter.update(piece)
          if (i % 3 !== 2) taken.push(...counter.take())
        }
        const counts = Uint16Array.from([...taken, ...counter.finish()])
        expect(same(counts, lineBlocks(bytes, blockSize, phase))).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})

test.each([64, 512, 4096, 65_472])('equals the oracle at every length, blocks of %i bytes', (blockSize) => {
  for (const length of lengths) {
    for (const phase of [0, 1, blockSize - 1]) {
      const bytes = mixture(length, 3, [10], length)
      const counter = core.lineBlockCounter(blockSize, phase)
      counter.update(bytes)
      expect(same(counter.finish(), lineBlocks(bytes, blockSize, phase))).toBe(true)
    }
  }
})

test('counts blocks that are nothing but line feeds', () => {
  for (const blockSize of [64, 4032, 4096, 65_472]) {
    const counter = core.lineBlockCounter(blockSize)
    counter.update(new Uint8Array(3 * blockSize).fill(10))
    expect([...counter.finish()]).toEqual([blockSize, blockSize, blockSize])
  }
})

test('rejects sizes and phases that are none', () => {
  for (const [blockSize, phase] of [
    [0, 0],
    [100, 0],
    [65_536, 0],
    [Number.NaN, 0],
    [512, 512],
    [512, -1],
    [512, 0.5],
  ] as const) {
    expect(() => core.lineBlockCounter(blockSize, phase)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  }
})
