// Decoding tables for canonical Huffman codes (RFC 1951, 3.2.2 and 3.2.5).
//
// A table is indexed by the next root bits. Codes longer than that share a pointer entry to a subtable,
// as small as its codes allow. An entry is a u32:
//
//   bits  0..5   bits to consume: code plus extra bits (a pointer: the root bits)
//   bits  8..13  where extra bits start: length of the code alone, plus SHIFT (a pointer: bits of the subtable)
//   bits 16..    literal, length, place in BASES of a distance, symbol of the precode, or index of the subtable
//
// Extra bits of a length that the root sees whole are in its entry already; else EXTRA is set. Where the root sees a
// literal and all of the length after it, one entry has both: AFTER_LITERAL is set, the literal is in bits 8..15, and
// bits 0..5 are those of both. Shift counts are taken mod 64 by the machine, so most fields need no mask. Flags of literals
// and lengths are bits 27..31, a pointer has the index where EXTRA would be; flags of distances are bits 14 and 15.

/** The fast loop keeps so many bits below the next one: masked, they are the address of a u32 without a shift. */
export const SHIFT: u32 = 2

export const LITERAL_BITS: u32 = 11
export const DISTANCE_BITS: u32 = 9
export const PRECODE_BITS: u32 = 7

export const LITERAL: u32 = 0x80000000
/** No literal, and no length that is whole: end of block, a pointer, not a code, or EXTRA. */
export const SPECIAL: u32 = 0x40000000
export const END_OF_BLOCK: u32 = 0x20000000
export const POINTER: u32 = 0x10000000
/** A length whose extra bits are still to be added. SPECIAL, too, for it is rare. */
export const EXTRA: u32 = 0x08000000
/** A whole length, and the literal before it. */
export const AFTER_LITERAL: u32 = 0x40
export const DISTANCE_SPECIAL: u32 = 0x8000
export const DISTANCE_POINTER: u32 = 0x4000

// A subtable of 2^s entries holds at least s + 1 codes, so 286 codes below an 11-bit root need at most
// 57 tables of 16, and 30 codes below a 9-bit root at most 4 of 64 and a few small ones.
export const LITERALS: usize = memory.data(4 * 3072, 64)
export const DISTANCES: usize = memory.data(4 * 1024, 64)
/** By distance symbol: its base, and a mask of its extra bits. */
export const BASES: usize = memory.data(8 * 32, 64)
export const PRECODES: usize = memory.data(4 * 128, 64)
/** Code lengths of the block being read: literal/length, then distance. Room for one repeat too many. */
export const LENGTHS: usize = memory.data(640, 16)
/** Code lengths of the precode. */
export const PRECODE_LENGTHS: usize = memory.data(32, 16)

const COUNTS: usize = memory.data(4 * 16, 16)
const STARTS: usize = memory.data(4 * 16, 16)
const SORTED: usize = memory.data(2 * 320, 16)
/** Codes that the root sees whole, by symbol, their bits reversed. */
const CODES: usize = memory.data(2 * 320, 16)
/** Entries by symbol, still without the length of their code. */
const LITERAL_ENTRIES: usize = memory.data(4 * 288, 16)
const DISTANCE_ENTRIES: usize = memory.data(4 * 32, 16)
const PRECODE_ENTRIES: usize = memory.data(4 * 19, 16)

let prepared: bool = false

/** Fills the entries by symbol: the bases and extra bits of RFC 1951, 3.2.5. */
export function prepareTables(): void {
  if (prepared) return
  prepared = true
  for (let i: u32 = 0; i < 256; i++) store<u32>(LITERAL_ENTRIES + (i << 2), LITERAL | (i << 16))
  store<u32>(LITERAL_ENTRIES + (256 << 2), SPECIAL | END_OF_BLOCK)
  let base: u32 = 3
  for (let i: u32 = 0; i < 28; i++) {
    const extra = i < 8 ? 0 : (i >> 2) - 1
    store<u32>(LITERAL_ENTRIES + ((257 + i) << 2), (base << 16) | (extra ? SPECIAL | EXTRA | extra : 0))
    base += 1 << extra
  }
  store<u32>(LITERAL_ENTRIES + (285 << 2), 258 << 16)
  store<u32>(LITERAL_ENTRIES + (286 << 2), SPECIAL)
  store<u32>(LITERAL_ENTRIES + (287 << 2), SPECIAL)
  base = 1
  for (let i: u32 = 0; i < 30; i++) {
    const extra = i < 4 ? 0 : (i >> 1) - 1
    store<u32>(DISTANCE_ENTRIES + (i << 2), (i << (16 + 3)) | extra)
    store<u32>(BASES + (i << 3), base)
    store<u32>(BASES + (i << 3), (1 << extra) - 1, 4)
    base += 1 << extra
  }
  store<u32>(DISTANCE_ENTRIES + (30 << 2), DISTANCE_SPECIAL)
  store<u32>(DISTANCE_ENTRIES + (31 << 2), DISTANCE_SPECIAL)
  for (let i: u32 = 0; i < 19; i++) store<u32>(PRECODE_ENTRIES + (i << 2), i << 16)
}

export function buildLiterals(lengths: usize, count: u32): i32 {
  const left = build(lengths, count, LITERALS, LITERAL_BITS, LITERAL_ENTRIES, SPECIAL, SPECIAL | POINTER)
  if (left == 0) addLengths(lengths, count)
  return left
}

/** Adds what the root sees beyond a length's code: its extra bits, and literals before it. */
function addLengths(lengths: usize, count: u32): void {
  for (let symbol: u32 = 257; symbol < count; symbol++) {
    const length: u32 = load<u8>(lengths + symbol)
    const extra: u32 = symbol < 265 || symbol == 285 ? 0 : ((symbol - 257) >> 2) - 1
    const bits = length + extra
    if (length == 0 || bits > LITERAL_BITS) continue
    const shortest = load<u32>(LITERAL_ENTRIES + (symbol << 2)) - (extra ? SPECIAL | EXTRA : 0) + length
    // Codes up to this length leave room for it.
    const literalsEnd = SORTED + (load<u32>(STARTS + ((LITERAL_BITS - bits) << 2)) << 1)
    for (let i: u32 = 0; i < u32(1) << extra; i++) {
      const entry = shortest + (i << 16)
      const code = u32(load<u16>(CODES + (symbol << 1))) | (i << length)
      if (extra) fill(code, bits, entry)
      for (let sorted = SORTED; sorted < literalsEnd; sorted += 2) {
        const literal: u32 = load<u16>(sorted)
        if (literal > 255) continue
        const before: u32 = load<u8>(lengths + literal)
        const both = u32(load<u16>(CODES + (literal << 1))) | (code << before)
        fill(both, before + bits, entry + AFTER_LITERAL + (literal << 8) + before)
      }
    }
  }
}

/** Sets the entries of the root whose low `bits` bits are `code`. */
// @ts-ignore: decorator
@inline
function fill(code: u32, bits: u32, entry: u32): void {
  for (let i = code; i < u32(1) << LITERAL_BITS; i += u32(1) << bits) store<u32>(LITERALS + (i << 2), entry)
}

export function buildDistances(lengths: usize, count: u32): i32 {
  return build(
    lengths,
    count,
    DISTANCES,
    DISTANCE_BITS,
    DISTANCE_ENTRIES,
    DISTANCE_SPECIAL,
    DISTANCE_SPECIAL | DISTANCE_POINTER,
  )
}

export function buildPrecode(): i32 {
  return build(PRECODE_LENGTHS, 19, PRECODES, PRECODE_BITS, PRECODE_ENTRIES, 0, 0)
}

/**
 * Builds one table. Returns how much of the code space is left over: 0 for a complete code, negative for
 * an oversubscribed one (no table is built), positive for an incomplete one. Of the incomplete codes only
 * those get a table that zlib lets pass: no code at all, or a single code of one bit. For others the
 * caller must not decode: `usable` tells.
 */
function build(
  lengths: usize,
  count: u32,
  table: usize,
  rootBits: u32,
  entries: usize,
  invalid: u32,
  pointer: u32,
): i32 {
  memory.fill(COUNTS, 0, 64)
  for (let i: u32 = 0; i < count; i++) {
    const slot = COUNTS + (u32(load<u8>(lengths + i)) << 2)
    store<u32>(slot, load<u32>(slot) + 1)
  }
  let left: i32 = 1
  let start: u32 = 0
  for (let length: u32 = 1; length <= 15; length++) {
    const codes = load<u32>(COUNTS + (length << 2))
    left = (left << 1) - i32(codes)
    if (left < 0) return left
    store<u32>(STARTS + (length << 2), start)
    start += codes
  }
  for (let i: u32 = 0; i < count; i++) {
    const length: u32 = load<u8>(lengths + i)
    if (length == 0) continue
    const slot = STARTS + (length << 2)
    const place = load<u32>(slot)
    store<u16>(SORTED + (place << 1), u16(i))
    store<u32>(slot, place + 1)
  }
  const used = start
  if (left > 0) {
    const one = used == 1 && load<u32>(COUNTS + 4) == 1
    const noCode = invalid + atLength(1)
    const entry = one ? load<u32>(entries + (u32(load<u16>(SORTED)) << 2)) + atLength(1) : noCode
    for (let i: u32 = 0; i < u32(1) << rootBits; i += 2) {
      store<u32>(table + (i << 2), entry)
      store<u32>(table + ((i + 1) << 2), noCode)
    }
    return left
  }

  // Codes in order: shortest first, then by symbol. `code` is kept bit-reversed, as the table is indexed.
  let code: u32 = 0
  let sorted: usize = SORTED
  let length: u32 = 1
  let waiting: u32 = load<u32>(COUNTS + 4)
  let i: u32 = 0
  for (; length <= rootBits; ) {
    for (; waiting > 0; waiting--, i++) {
      const symbol: usize = load<u16>(sorted)
      store<u16>(CODES + (symbol << 1), u16(code))
      store<u32>(table + (code << 2), load<u32>(entries + (symbol << 2)) + atLength(length))
      sorted += 2
      code = nextCode(code, length)
    }
    // Every index below 2^length is right, or will be overwritten: the next bit doubles the table.
    if (length < rootBits) memory.copy(table + (4 << length), table, 4 << length)
    length++
    if (length > 15) return 0
    waiting = load<u32>(COUNTS + (length << 2))
  }

  const rootMask: u32 = (u32(1) << rootBits) - 1
  let prefix: u32 = u32.MAX_VALUE
  let subtable: u32 = 0
  let end: u32 = u32(1) << rootBits
  for (; i < used; i++, waiting--) {
    while (waiting == 0) waiting = load<u32>(COUNTS + (++length << 2))
    if ((code & rootMask) != prefix) {
      prefix = code & rootMask
      subtable = end
      let subtableBits = length - rootBits
      let filled = waiting
      while (filled < u32(1) << subtableBits) {
        subtableBits++
        filled = (filled << 1) + load<u32>(COUNTS + ((rootBits + subtableBits) << 2))
      }
      end = subtable + (u32(1) << subtableBits)
      store<u32>(table + (prefix << 2), pointer | (subtable << 16) | (subtableBits << 8) | rootBits)
    }
    const entry = load<u32>(entries + (u32(load<u16>(sorted)) << 2)) + atLength(length)
    sorted += 2
    for (let k = subtable + (code >> rootBits); k < end; k += u32(1) << (length - rootBits)) {
      store<u32>(table + (k << 2), entry)
    }
    code = nextCode(code, length)
  }
  return 0
}

/** What the length of its code adds to an entry by symbol: bits to consume, and where extra bits start. */
// @ts-ignore: decorator
@inline
function atLength(length: u32): u32 {
  return length + ((length + SHIFT) << 8)
}

/** Adds one to a code of that length whose bits are reversed; the last code wraps to zero. */
// @ts-ignore: decorator
@inline
function nextCode(code: u32, length: u32): u32 {
  let bit: u32 = u32(1) << (length - 1)
  while (code & bit) {
    code ^= bit
    bit >>= 1
  }
  return code | bit
}

/** Whether zlib would decode with a code whose `build` left this much of the code space over. */
export function usable(left: i32, lengths: usize, count: u32): bool {
  if (left <= 0) return left == 0
  let used: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u8>(lengths + i)
    if (length > 1) return false
    used += length
  }
  return used <= 1
}
