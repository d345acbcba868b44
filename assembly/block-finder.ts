// Finds where a deflate block may start, with nothing known of the bytes before: a block that is not the last
// and is either dynamic, with complete codes, or stored, with a length that fits its complement
// (RFC 1951, 3.2.4 and 3.2.7). About 200 of 10^12 random positions pass as dynamic, one byte of 500 000 as
// stored, so a find is a guess that decoding must confirm. `State.findable` is the same predicate, seen by a
// decoder that comes from before.

import { readHeader } from './inflate-header'
import { AT_BLOCK, READY, State } from './inflate-state'
import { INPUT } from './memory'

/** For four code lengths of the precode in 12 bits, the sum of their 2^(7 - length). */
const SPACES: usize = memory.data(2 * 4096, 64)

export function blockFinderInit(): void {
  for (let i: u32 = 0; i < 4096; i++) {
    let space: u32 = 0
    for (let bits = i; bits; bits >>= 3) if (bits & 7) space += 128 >> (bits & 7)
    store<u16>(SPACES + (i << 1), u16(space))
  }
}

/**
 * The first such bit in [start, stop), relative to INPUT, of the first `length` bytes there; -1 when there is
 * none. A header that ends beyond the input is not found, so leave 600 bytes after `stop` where more follow.
 * Uses the decoder's state: reset it before decoding.
 */
export function findBlock(start: i32, stop: i32, length: i32): i32 {
  const stored = findStored(start, stop, length)
  const dynamic = findDynamic(start, stored < 0 ? stop : stored, length)
  return dynamic < 0 ? stored : dynamic
}

/** A stored block counts as starting at the three bits before LEN: zeros, whether header or padding. */
function findStored(start: i32, stop: i32, length: i32): i32 {
  const ones = i16x8.splat(-1)
  // LEN of a block that starts at or after `start` lies at or after this byte.
  let at = (start + 3 + 7) >> 3
  const end = min((stop + 2) >> 3, length - 4)
  while (at <= end) {
    const p = INPUT + at
    const even = i16x8.eq(v128.xor(v128.load(p), v128.load(p, 2)), ones)
    const odd = i16x8.eq(v128.xor(v128.load(p, 1), v128.load(p, 3)), ones)
    let hits = (u32(i8x16.bitmask(even)) & 0x5555) | ((u32(i8x16.bitmask(odd)) & 0x5555) << 1)
    for (; hits; hits &= hits - 1) {
      const found = at + i32(ctz(hits))
      if (found > end) return -1
      if (load<u8>(INPUT + found - 1) >> 5 == 0) return (found << 3) - 3
    }
    at += 16
  }
  return -1
}

function findDynamic(start: i32, stop: i32, length: i32): i32 {
  for (let base = start >> 3; base << 3 < stop; base += 6) {
    const p = INPUT + base
    const w = load<u64>(p)
    // BFINAL 0, BTYPE 10, HLIT at most 29, HDIST at most 29, for 48 positions at once.
    let hits =
      ~w & ~(w >> 1) & (w >> 2) & ~((w >> 4) & (w >> 5) & (w >> 6) & (w >> 7)) & 0x0000ffffffffffff
    hits &= ~((w >> 9) & (w >> 10) & (w >> 11) & (w >> 12))
    for (; hits; hits &= hits - 1) {
      const at = (base << 3) + i32(ctz(hits))
      if (at < start) continue
      if (at >= stop) return -1
      if (precodeIsComplete(at) && headerIsValid(at, length)) return at
    }
  }
  return -1
}

/** Whether the lengths of the precode use up its code space exactly; any bytes may be read for that. */
// @ts-ignore: decorator
@inline
function precodeIsComplete(at: i32): bool {
  const p = INPUT + ((at + 13) >> 3)
  const shift = u64((at + 13) & 7)
  const w = load<u64>(p) >> shift
  const count = (u32(w) & 15) + 4
  // 3 * count bits from bit 4 on: up to 57 of the 57 to 64 bits at hand, so the last may need another load.
  const low = w >> 4
  const high = u32(load<u32>(p + ((u32(shift) + 52) >> 3)) >> ((u32(shift) + 52) & 7))
  let lengths = (low & 0xffffffffffff) | (u64(high) << 48)
  lengths &= (u64(1) << u64(count * 3)) - 1
  const space =
    u32(load<u16>((u32(lengths) & 4095) << 1, SPACES)) +
    u32(load<u16>((u32(lengths >> 12) & 4095) << 1, SPACES)) +
    u32(load<u16>((u32(lengths >> 24) & 4095) << 1, SPACES)) +
    u32(load<u16>((u32(lengths >> 36) & 4095) << 1, SPACES)) +
    u32(load<u16>((u32(lengths >> 48) & 4095) << 1, SPACES))
  return space == 128
}

function headerIsValid(at: i32, length: i32): bool {
  State.next = INPUT + (at >> 3)
  State.inputEnd = INPUT + length
  State.bits = 0
  State.bitCount = 0
  if (at & 7) {
    State.bits = u64(load<u8>(State.next++)) >> u64(at & 7)
    State.bitCount = 8 - (at & 7)
  }
  State.phase = AT_BLOCK
  return readHeader() == READY && State.findable
}
