import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digest, indexInChunks } from './chunks.js'
import { gunzip, same } from './decode.js'
import { concat, member } from './encoder.js'
import { fastq, noise, patchwork } from './samples.js'

const countLines = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0)

/** Decoding from each point gives the rest of the data, and its line number is right. */
function expectPointsWork(gz: Uint8Array, data: Uint8Array, { points }: ReturnType<typeof indexInChunks>) {
  for (const { bit, output, lines, window } of points) {
    expect(lines).toBe(countLines(data.subarray(0, output)))
    const rest = gunzip(gz.subarray(Math.floor(bit / 8)), 50_000, { bit, window })
    expect(same(rest, data.subarray(output))).toBe(true)
  }
}

const large = 2 ** 40

test('chunks decoded without their history give the index of one pass', () => {
  const data = fastq(1_500_000, 1)
  const gz = gzipSync(data)
  const rule = { stride: 32_768, span: 400_000 }
  const one = indexInChunks(gz, large, rule)
  expect(one.points.length).toBeGreaterThan(10)
  expect(one.output).toBe(data.length)
  expect(one.lines).toBe(countLines(data))
  expectPointsWork(gz, data, one)
  for (const times of [1, 2, 5]) {
    const many = indexInChunks(gz, rule.stride * times, rule)
    expect(digest(many)).toEqual(digest(one))
    expect(many.repaired).toBe(0)
    expect(many.blind).toBeGreaterThan(gz.length / (rule.stride * times) - 2)
  }
})

test('windows hold what is needed and little else', () => {
  const gz = gzipSync(fastq(1_000_000, 2))
  const { points } = indexInChunks(gz, large, { stride: 65_536, span: large })
  for (const { window } of points.slice(1)) {
    expect(window.filter((byte) => byte !== 0).length).toBeLessThan(window.length * 0.8)
  }
})

const streams = fc
  .record({
    parts: fc.array(
      fc.record({
        kind: fc.integer({ min: 0, max: 3 }),
        size: fc.integer({ min: 0, max: 120_000 }),
        seed: fc.nat(1000),
        level: fc.integer({ min: 0, max: 9 }),
        memLevel: fc.integer({ min: 1, max: 9 }),
        strategy: fc.constantFrom(
          constants.Z_DEFAULT_STRATEGY,
          constants.Z_DEFAULT_STRATEGY,
          constants.Z_HUFFMAN_ONLY,
          constants.Z_RLE,
          constants.Z_FIXED,
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    stride: fc.integer({ min: 2000, max: 30_000 }),
    span: fc.constantFrom(1000, 50_000, 1_000_000),
    times: fc.integer({ min: 1, max: 4 }),
    step: fc.integer({ min: 500, max: 100_000 }),
  })
  .map(({ parts, ...rest }) => {
    const pieces = parts.map(({ kind, size, seed, level, memLevel, strategy }) => {
      const make = [fastq, patchwork, noise, (n: number) => new Uint8Array(n).fill(10)][kind] ?? fastq
      const data = make(size, seed)
      return { data, gz: gzipSync(data, { level, memLevel, strategy }) }
    })
    return { ...rest, data: concat(pieces.map(({ data }) => data)), gz: concat(pieces.map(({ gz }) => gz)) }
  })

test('any stream, stride, span, chunk size and cut of the input', () => {
  let blind = 0
  fc.assert(
    fc.property(streams, ({ data, gz, stride, span, times, step }) => {
      const rule = { stride, span }
      const one = indexInChunks(gz, large, rule, step)
      expect([one.output, one.lines]).toEqual([data.length, countLines(data)])
      const many = indexInChunks(gz, stride * times, rule)
      expect(digest(many)).toEqual(digest(one))
      blind += many.blind - 1
      if (span >= 50_000) expectPointsWork(gz, data, { ...one, points: one.points.slice(-3) })
    }),
    { numRuns: 30, seed: 1, endOnFailure: true },
  )
  expect(blind).toBeGreaterThan(40)
})

test('blocks of another stream inside stored data are not mistaken for long', () => {
  const inner = gzipSync(fastq(600_000, 3))
  const gz = gzipSync(concat([inner, noise(10_000, 4), inner]), { level: 0 })
  const rule = { stride: 20_000, span: 100_000 }
  const one = indexInChunks(gz, large, rule)
  const many = indexInChunks(gz, 20_000, rule)
  expect(digest(many)).toEqual(digest(one))
  expect(many.repaired).toBeGreaterThan(0)
})

test('damage is found whichever chunk it is in', () => {
  const data = fastq(400_000, 5)
  const gz = gzipSync(data, { memLevel: 6 })
  const rule = { stride: 16_384, span: large }
  for (let i = 1; i < 20; i++) {
    const damaged = Uint8Array.from(gz)
    const at = 10 + Math.floor(((gz.length - 20) * i) / 20)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (i % 8))
    expect(() => gunzipSync(damaged)).toThrow()
    expect(() => indexInChunks(damaged, 16_384, rule)).toThrow(
      expect.objectContaining({ code: 'MALFORMED_DATA' }),
    )
  }
  expect(() => indexInChunks(gz.subarray(0, gz.length - 3), 16_384, rule)).toThrow('ends at byte')
})

test('a distance into the member before is refused by the reduce step too', () => {
  // The second member's own data, with the start of its history cut off.
  const history = noise(2000, 6)
  const data = concat([history, fastq(300_000, 7), history])
  const raw = deflateRawSync(data, { dictionary: history, memLevel: 4 })
  const gz = concat([gzipSync(noise(40_000, 8)), member(raw, data)])
  expect(() => gunzipSync(gz)).toThrow('too far back')
  expect(() => indexInChunks(gz, 8192, { stride: 8192, span: large })).toThrow('before the start')
})
