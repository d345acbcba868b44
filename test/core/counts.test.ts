import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { packedLength, packPage, unpackPage } from '../../src/formats/shared/counts.js'

/** The page as docs/index-format.md has it, as one long number. */
function oracle(counts: readonly number[]): number[] {
  const minimum = Math.min(...counts)
  const width = (Math.max(...counts) - minimum).toString(2).replace(/^0$/, '').length
  let bits = 0n
  for (const [i, count] of counts.entries()) bits |= BigInt(count - minimum) << BigInt(i * width)
  const bytes = Array.from({ length: Math.ceil((counts.length * width) / 8) }, (_, i) =>
    Number((bits >> BigInt(i * 8)) & 255n),
  )
  return [minimum & 255, minimum >> 8, width, ...bytes]
}

const counts = fc
  .tuple(fc.nat(0xffff), fc.nat(16), fc.integer({ min: 1, max: 70 }))
  .chain(([minimum, width, length]) =>
    fc.array(fc.integer({ min: minimum, max: Math.min(0xffff, minimum + 2 ** width - 1) }), {
      minLength: length,
      maxLength: length,
    }),
  )

describe('a page of counts', () => {
  test('is packed as documented, with a core and without', async () => {
    const core = await loadCore()
    fc.assert(
      fc.property(counts, (values) => {
        const expected = { page: oracle(values), sum: values.reduce((sum, value) => sum + value, 0) }
        for (const pack of [core.packCounts, packPage]) {
          const { page, sum } = pack(Uint16Array.from(values))
          expect({ page: [...page], sum }).toEqual(expected)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('that is full and as wide as can be is not cut', async () => {
    const core = await loadCore()
    const values = Uint16Array.from({ length: 2048 }, (_, i) => (i * 40_503) & 0xffff)
    values[7] = 0
    values[2047] = 0xffff
    const { page, sum } = core.packCounts(values)
    expect(page).toEqual(packPage(values).page)
    expect(page.length).toBe(packedLength(page, 0, 2048))
    expect(unpackPage(page, 0, 2048)).toEqual(values)
    expect(sum).toBe(values.reduce((total, value) => total + value, 0))
  })

  test('is not touched by later ones, and what is counted meanwhile neither', async () => {
    const core = await loadCore()
    const first = core.packCounts(Uint16Array.of(1, 2, 3)).page
    const counter = core.lineBlockCounter(64)
    counter.update(new Uint8Array(640).fill(10))
    const before = counter.take()
    core.packCounts(before)
    expect([...first]).toEqual(oracle([1, 2, 3]))
    expect([...before]).toEqual(new Array(10).fill(64))
  })
})
