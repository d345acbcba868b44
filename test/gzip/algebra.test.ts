import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combineCrc, multiply, powerOfBytes } from '../../src/core/crc-algebra.js'
import { findBlock } from '../../src/core/find-block.js'
import { createGzipReducer, resolveSymbols } from '../../src/core/gzip-reduce.js'
import { mapChunk, memory } from './chunks.js'
import { crc32 } from './crc.js'
import { bitWriter, concat, dynamicHeader, fixedBlock, storedBlock } from './encoder.js'
import { inflateRaw } from './raw.js'
import { fastq, noise, patchwork, random } from './samples.js'

const u32 = fc.integer({ min: 0, max: 0xffffffff })

test('polynomials form a ring with one', () => {
  fc.assert(
    fc.property(u32, u32, u32, (a, b, c) => {
      expect(multiply(a, b)).toBe(multiply(b, a))
      expect(multiply(multiply(a, b), c)).toBe(multiply(a, multiply(b, c)))
      expect(multiply(a, (b ^ c) >>> 0)).toBe((multiply(a, b) ^ multiply(a, c)) >>> 0)
      expect(multiply(a, powerOfBytes(0))).toBe(a)
    }),
  )
  expect(multiply(powerOfBytes(3 * 2 ** 40), powerOfBytes(5))).toBe(powerOfBytes(3 * 2 ** 40 + 5))
})

test('CRCs of parts combine to that of the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      expect(combineCrc(crc32(a), crc32(b), b.length)).toBe(crc32(concat([a, b])))
    }),
  )
})

test('windows compose in any order', () => {
  const symbols = fc.integer({ min: 0, max: 65_535 }).map((s) => (s < 32_768 ? s & 255 : s))
  const next = random(1)
  const tails = fc
    .array(symbols, { minLength: 1, maxLength: 50 })
    .map((some) => Uint16Array.from({ length: 32_768 }, () => some[Math.floor(next() * some.length)] ?? 0))
  const compose = (late: Uint16Array, early: Uint16Array) =>
    late.map((s) => (s < 32_768 ? s : (early[s - 32_768] ?? 0)))
  fc.assert(
    fc.property(tails, tails, (one, two) => {
      const window = noise(32_768, 2)
      const stepwise = resolveSymbols(two, resolveSymbols(one, window))
      expect(Buffer.compare(stepwise, resolveSymbols(compose(two, one), window))).toBe(0)
    }),
    { numRuns: 20 },
  )
})

test('a part knows nothing of what is before it', () => {
  const first = fastq(200_000, 3)
  const data = concat([first, patchwork(200_000, 4)])
  const gz = gzipSync(data, { memLevel: 5 })
  const rule = { stride: 8192, span: 2 ** 40 }
  const part = mapChunk(gz, 3, 8192, rule)
  const elsewhere = concat([noise(3 * 8192, 5), gz.subarray(3 * 8192)])
  expect(mapChunk(elsewhere, 3, 8192, rule)).toEqual(part)
})

test('a part that starts elsewhere than the one before ended is not added', () => {
  const gz = gzipSync(fastq(300_000, 6), { memLevel: 5 })
  const rule = { stride: 8192, span: 2 ** 40 }
  const parts = [0, 1, 2].map((k) => mapChunk(gz, k, 8192, rule))
  const reducer = createGzipReducer()
  expect(reducer.bit).toBe(undefined)
  if (parts[0]) reducer.add(parts[0])
  expect(reducer.decide(parts[1], 2 * 8192 * 8)).toBe('add')
  expect(reducer.decide(parts[2], 3 * 8192 * 8)).toBe('repair')
  expect(reducer.decide(undefined, 2 * 8192 * 8)).toBe('repair')
  expect(reducer.decide(parts[1], 8192 * 8)).toBe('skip')
})

/** The predicate, block by block: what `findable` says of a decoder that comes from before. */
function findableBlocks(raw: Uint8Array): number[] {
  return (inflateRaw(raw, { minimum: 0 })?.blocks ?? []).filter((b) => b.findable).map((b) => b.bit)
}

test('the search finds every block that a decoder calls findable, and little else', () => {
  let blocks = 0
  let extra = 0
  for (const [data, memLevel, level] of [
    [fastq(400_000, 7), 4, 6],
    [patchwork(400_000, 8), 3, 9],
    [noise(300_000, 9), 8, 6],
    [patchwork(300_000, 10), 8, 0],
  ] as const) {
    const raw = gzipSync(data, { level, memLevel }).subarray(10)
    const expected = findableBlocks(raw)
    const found: number[] = []
    for (let bit = 0; ; ) {
      const at = findBlock(memory, raw, bit)
      if (at === undefined) break
      found.push(at)
      bit = at + 1
    }
    expect(expected.filter((bit) => !found.includes(bit))).toEqual([])
    blocks += expected.length
    extra += found.length - expected.length
  }
  expect(blocks).toBeGreaterThan(100)
  expect(extra).toBeLessThan(15)
})

test('a block is found at every bit, whatever its padding, and never one that is not eligible', () => {
  const lengths = Array.from({ length: 257 }, (_, i) => (i < 255 ? 8 : i === 255 ? 9 : 9))
  const always = () => true
  const never = () => false
  const kinds: [found: (start: number) => boolean, write: (w: ReturnType<typeof bitWriter>) => void][] = [
    [always, (w) => dynamicHeader(w, false, lengths, [1, 1])],
    [never, (w) => dynamicHeader(w, true, lengths, [1, 1])],
    [never, (w) => dynamicHeader(w, false, lengths, [1])],
    [never, (w) => void fixedBlock(w, false, [65, 66, 67])],
    [always, (w) => void storedBlock(w, false, Uint8Array.of(255, 255, 255))],
    // Padding of ones is only seen through where there is none.
    [(start) => start % 8 === 5, (w) => void storedBlock(w, false, Uint8Array.of(255, 255, 255), 1)],
  ]
  for (const [expected, write] of kinds) {
    for (let before = 0; before < 8; before++) {
      const w = bitWriter().bits(0xffff, 8 + before)
      const start = w.length
      write(w)
      const at = findBlock(memory, w.align(1).byte(255, 255, 255, 255).done(), 0)
      expect(at !== undefined).toBe(expected(start))
      // A stored block counts from the last three bits before its length.
      if (at !== undefined) expect([start, Math.ceil((start + 3) / 8) * 8 - 3]).toContain(at)
    }
  }
})
