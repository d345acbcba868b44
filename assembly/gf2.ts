// Polynomials over GF(2) modulo that of CRC-32 (RFC 1952, section 8), in reflected order: x^0 is bit 31.

const POLYNOMIAL: u32 = 0xedb88320
export const ONE: u32 = 0x80000000

/** 4 tables of 256: the products of `factor` with each byte of a number. */
const PRODUCTS: usize = memory.data(4 * 256 * 4, 64)

// @ts-ignore: decorator
@inline
function timesX(a: u32): u32 {
  return (a >> 1) ^ (POLYNOMIAL & -(a & 1))
}

function overX(a: u32): u32 {
  return a & ONE ? ((a ^ POLYNOMIAL) << 1) | 1 : a << 1
}

/** Makes `timesFactor` multiply by this number. */
export function setFactor(factor: u32): void {
  for (let bit: i32 = 31; bit >= 0; bit--) {
    const table = PRODUCTS + ((u32(bit) >> 3) << 10)
    store<u32>(table + (u32(1) << (bit & 7) << 2), factor)
    factor = timesX(factor)
  }
  for (let k: u32 = 0; k < 4; k++) {
    const table = PRODUCTS + (k << 10)
    store<u32>(table, 0)
    for (let i: u32 = 1; i < 256; i++) {
      const rest = i & (i - 1)
      store<u32>(table + (i << 2), load<u32>(table + (rest << 2)) ^ load<u32>(table + ((i ^ rest) << 2)))
    }
  }
}

// @ts-ignore: decorator
@inline
export function timesFactor(a: u32): u32 {
  return (
    load<u32>((a & 255) << 2, PRODUCTS) ^
    load<u32>(((a >> 8) & 255) << 2, PRODUCTS + 1024) ^
    load<u32>(((a >> 16) & 255) << 2, PRODUCTS + 2048) ^
    load<u32>((a >> 24) << 2, PRODUCTS + 3072)
  )
}

/** Fills count u32 at `out` with x^0, x^-8, x^-16 … */
export function inversePowers(out: usize, count: u32): void {
  let eight = ONE
  for (let i = 0; i < 8; i++) eight = overX(eight)
  setFactor(eight)
  let power = ONE
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(out + (i << 2), power)
    power = timesFactor(power)
  }
}
