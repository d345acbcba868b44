import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGunzip } from '../../src/core/gunzip.js'
import { gunzip, same, tryGunzip } from '../gzip/decode.js'
import { bitWriter, concat, fixedBlock, member, storedBlock } from '../gzip/encoder.js'
import { inflateRaw } from '../gzip/raw.js'
import { fastq, noise, patchwork } from '../gzip/samples.js'

const empty = new Uint8Array(0)

function expectSame(gz: Uint8Array, data: Uint8Array, step?: number) {
  expect(same(gunzip(gz, step), data)).toBe(true)
}

test('decodes what zlib writes', () => {
  for (const data of [empty, Uint8Array.of(0), fastq(400_000, 1), patchwork(400_000, 2), noise(70_000, 3)]) {
    for (const level of [0, 1, 6, 9]) expectSame(gzipSync(data, { level }), data)
  }
})

test('gives pieces of bounded size, however much the input swells', () => {
  const bytes = gzipSync(new Uint8Array(20_000_000))
  const module = createGunzip()
  return module.then((decoder) => {
    let total = 0
    for (const piece of decoder.push(bytes)) {
      expect(piece.length).toBeLessThanOrEqual(68_000)
      expect(piece.every((byte) => byte === 0)).toBe(true)
      total += piece.length
    }
    decoder.finish()
    expect(total).toBe(20_000_000)
  })
})

test('decodes any members in any pieces, and zero padding', () => {
  const part = fc.record({
    data: fc.uint8Array({ maxLength: 3000 }),
    level: fc.integer({ min: 0, max: 9 }),
    extra: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
    name: fc.option(fc.stringMatching(/^[a-z]{1,20}$/), { nil: undefined }),
    comment: fc.option(fc.stringMatching(/^[a-z]{1,400}$/), { nil: undefined }),
    headerCrc: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      fc.nat(20),
      fc.integer({ min: 1, max: 900 }),
      (parts, padding, step) => {
        const gz = parts.map(({ data, level, extra, name, comment, headerCrc }) =>
          member(deflateRawSync(data, { level }), data, {
            headerCrc,
            ...(extra && { extra }),
            ...(name && { name }),
            ...(comment && { comment }),
          }),
        )
        expectSame(concat([...gz, new Uint8Array(padding)]), concat(parts.map(({ data }) => data)), step)
      },
    ),
    { numRuns: 200 },
  )
})

test('a closed decoder leaves nothing behind for the next', async () => {
  const one = fastq(50_000, 12)
  const other = patchwork(50_000, 13)
  for (const data of [one, other, one]) {
    const decoder = await createGunzip()
    const gz = gzipSync(data)
    const pieces: Uint8Array[] = []
    // Left in the middle: of a block, and of a push.
    for (const piece of decoder.push(gz.subarray(0, 9000))) {
      pieces.push(piece.slice())
      break
    }
    expect(same(concat(pieces), data.subarray(0, concat(pieces).length))).toBe(true)
    decoder.close()
    decoder.close()
    const next = await createGunzip()
    const whole: Uint8Array[] = []
    for (const piece of next.push(gzipSync(other))) whole.push(piece.slice())
    next.finish()
    expect(same(concat(whole), other)).toBe(true)
    next.close()
  }
})

test('many small members in one push', () => {
  const parts = Array.from({ length: 3000 }, (_, i) => fastq(i % 300, i))
  expectSame(concat(parts.map((data) => gzipSync(data))), concat(parts))
})

test('a member may be longer than the largest extra field, name and comment', () => {
  const data = fastq(5000, 4)
  const fields = {
    extra: noise(65_535, 5),
    name: 'n'.repeat(300_000),
    comment: 'c'.repeat(300_000),
    headerCrc: true,
  }
  const gz = member(deflateRawSync(data), data, fields)
  expect(same(gunzipSync(gz), data)).toBe(true)
  expectSame(gz, data)
  expectSame(concat([gz, gz]), concat([data, data]), 10_007)
})

function expectMalformed(gz: Uint8Array, message: string, offset: number) {
  for (const step of [gz.length, 1]) {
    const error = expect.objectContaining({ code: 'MALFORMED_DATA', offset })
    expect(() => gunzip(gz, step)).toThrow(error)
    expect(() => gunzip(gz, step)).toThrow(message)
  }
}

test('reports what is wrong, and where', () => {
  const data = fastq(2000, 6)
  const gz = gzipSync(data)
  const n = gz.length
  const change = (at: number, value: number, of: Uint8Array = gz) => {
    const bytes = Uint8Array.from(of)
    bytes[at] = value
    return bytes
  }
  expect(() => gunzip(empty)).toThrow('ends at byte 0')
  expectMalformed(Uint8Array.of(80, 75, 3, 4), '1f 8b', 0)
  expectMalformed(change(2, 7), 'method', 2)
  expectMalformed(change(3, 0x20), 'reserved', 3)
  expectMalformed(change(n - 8, (gz[n - 8] ?? 0) ^ 1), 'CRC-32', n - 8)
  expectMalformed(change(n - 4, (gz[n - 4] ?? 0) ^ 1), 'modulo', n - 4)
  expectMalformed(concat([gz, Uint8Array.of(1)]), '1f 8b', n)
  expectMalformed(concat([gz, Uint8Array.of(0, 0, 7)]), 'padding', n + 2)
  expectMalformed(concat([gz, gz.subarray(0, 100)]), 'ends at byte', n + 100)
  const headed = member(deflateRawSync(data), data, { name: 'a', headerCrc: true })
  expectMalformed(change(4, 9, headed), 'header CRC', 12)
  const raw = bitWriter().bits(1, 1).bits(3, 2).done()
  expectMalformed(concat([gz, member(raw, empty)]), `bit ${(n + 10) * 8 + 3}:`, n + 10)
})

test('distances do not reach into the member before', () => {
  const raw = fixedBlock(bitWriter(), true, [[3, 1]]).done()
  const gz = concat([gzipSync(Uint8Array.of(65)), member(raw, Uint8Array.of(65, 65, 65))])
  expectMalformed(gz, 'before the start', gz.length - 10)
})

test('every flipped bit and every truncation gives an error or the right data', () => {
  const stored = storedBlock(bitWriter(), true, noise(50, 7)).done()
  const second = member(stored, noise(50, 7), { name: 'n', extra: noise(6, 8), headerCrc: true })
  const gz = concat([gzipSync(fastq(250, 9)), second])
  const data = concat([fastq(250, 9), noise(50, 7)])
  for (let length = 0; length < gz.length; length++) {
    const result = tryGunzip(gz.subarray(0, length))
    // Cut between the members, it is a stream of its own.
    if (result) expect(same(result, data.subarray(0, 250))).toBe(true)
  }
  let unharmed = 0
  for (let bit = 0; bit < gz.length * 8; bit++) {
    const flipped = Uint8Array.from(gz)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const result = tryGunzip(flipped)
    if (!result) continue
    expect(same(result, data)).toBe(true)
    unharmed++
  }
  expect(unharmed).toBeGreaterThan(0)
})

test('starts at a block inside a member, and goes on through the members after it', () => {
  const data = fastq(500_000, 10)
  const gz = gzipSync(data, { memLevel: 6 })
  const tail = gzipSync(Uint8Array.of(1, 2, 3))
  const blocks = inflateRaw(gz.subarray(10), { minimum: 1 })?.blocks ?? []
  expect(blocks.length).toBeGreaterThan(5)
  for (const block of blocks) {
    const bit = block.bit + 80
    const window = data.subarray(Math.max(0, block.output - 32_768), block.output)
    const rest = concat([gz, tail]).subarray(bit >> 3)
    const expected = concat([data.subarray(block.output), Uint8Array.of(1, 2, 3)])
    expect(same(gunzip(rest, 7001, { bit, window }), expected)).toBe(true)
  }
})

test('every strategy of zlib passes with its checksums', () => {
  const data = patchwork(120_000, 11)
  for (const strategy of [
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ]) {
    expectSame(gzipSync(data, { strategy }), data, 5000)
  }
})
