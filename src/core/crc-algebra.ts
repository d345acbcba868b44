/**
 * CRC-32 as arithmetic: polynomials over GF(2) modulo that of RFC 1952, section 8. A number holds one in
 * reflected order, x^0 in bit 31. All results are unsigned.
 */

const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000

/** crcTable[v] is v * x^32: what a last byte v adds to a CRC. */
export const crcTable: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte
  for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (POLYNOMIAL & -(c & 1))
  return c
})

export function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b | 0
  // As signed integers throughout: the highest bit is the sign.
  for (let rest = a | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) product ^= shifted
    shifted = (shifted >>> 1) ^ (POLYNOMIAL & -(shifted & 1))
  }
  return product >>> 0
}

/** x^(8 n): what n more bytes multiply a CRC by. Any safe integer n >= 0. */
export function powerOfBytes(n: number): number {
  let power = ONE
  let square = 0x00800000
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square)
    square = multiply(square, square)
  }
  return power
}

/** CRC-32 of A followed by B, from their CRCs and the length of B in bytes. */
export function combineCrc(crcA: number, crcB: number, lengthB: number): number {
  return (multiply(powerOfBytes(lengthB), crcA) ^ crcB) >>> 0
}
