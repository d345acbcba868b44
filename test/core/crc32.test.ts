import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { lengths, mixture, pieces } from './oracles.js'

const core = await loadCore()

/** Bit by bit, from the definition: `zlib.crc32` is missing from the oldest supported Node. */
function oracle(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

test('gives the check value of the catalogue', () => {
  expect(core.crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  expect(core.crc32(new Uint8Array(0))).toBe(0)
  expect(core.crc32(new Uint8Array(0), 0xcbf43926)).toBe(0xcbf43926)
})

test('equals the oracle on arbitrary bytes and seeds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 0xffffffff }), (bytes, seed) => {
      expect(core.crc32(bytes, seed)).toBe(oracle(bytes, seed))
    }),
  )
})

test('equals the oracle at every boundary', () => {
  for (const length of [...lengths, 14_400 + 32_768, 32_768 + 4800, 65_536 + 9600 + 7, 600_001]) {
    const bytes = mixture(length, 2, [0, 255, 128, 1], length)
    expect(core.crc32(bytes, 12_345)).toBe(oracle(bytes, 12_345))
  }
})

test('finds every single flipped bit', () => {
  const bytes = mixture(20_000, 3, [0, 255])
  const crc = core.crc32(bytes)
  for (let at = 0; at < bytes.length; at += 37) {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    expect(core.crc32(bytes)).not.toBe(crc)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
  }
})

test('is the same however a stream is cut', () => {
  const bytes = mixture(100_000, 3, [0, 10, 255])
  const whole = core.crc32(bytes)
  fc.assert(
    fc.property(fc.array(fc.nat(100_000), { maxLength: 6 }), (cuts) => {
      expect(pieces(bytes, cuts).reduce((crc, piece) => core.crc32(piece, crc), 0)).toBe(whole)
    }),
  )
})
