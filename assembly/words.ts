// Words: maximal runs of bytes that are not ASCII white space (space, \t, \n, \v, \f, \r). All of these
// are below 0x80, so no boundary ever lies inside a UTF-8 sequence.

/** For each byte, as 8 bytes, the numbers of its set bits in ascending order, then rubbish. */
const SET_BITS: usize = memory.data(256 * 8, 64)

/** Fills the table. Once, before any other function here. */
export function wordsInit(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let at = SET_BITS + (byte << 3)
    for (let bits = byte; bits; bits &= bits - 1) store<u8>(at++, u8(ctz(bits)))
  }
}

// @ts-ignore: decorator
@inline
function spaces16(p: usize): v128 {
  const v = v128.load(p)
  return v128.or(
    i8x16.eq(v, i8x16.splat(0x20)),
    i8x16.le_u(i8x16.sub(v, i8x16.splat(9)), i8x16.splat(4)),
  )
}

/** Bit i is set when byte p + i is white space, for i < 64. */
// @ts-ignore: decorator
@inline
function spaces(p: usize): u64 {
  return (
    u64(u32(i8x16.bitmask(spaces16(p)))) |
    (u64(u32(i8x16.bitmask(spaces16(p + 16)))) << 16) |
    (u64(u32(i8x16.bitmask(spaces16(p + 32)))) << 32) |
    (u64(u32(i8x16.bitmask(spaces16(p + 48)))) << 48)
  )
}

/** Bit i is set when a word cut lies behind byte p + i, for i < 16. Needs p[16]. */
// @ts-ignore: decorator
@inline
function cuts16(p: usize): u32 {
  const insideCrLf = v128.and(
    i8x16.eq(v128.load(p), i8x16.splat(13)),
    i8x16.eq(v128.load(p, 1), i8x16.splat(10)),
  )
  return u32(i8x16.bitmask(v128.andnot(spaces16(p), insideCrLf)))
}

/**
 * Smallest q in [1, n] with p[q - 1] white space, except between CR and LF; 0 when there is none.
 * p[n] must be the byte that follows.
 */
export function firstWordCut(p: usize, n: u32): u32 {
  for (let i: u32 = 0; i < n; i += 16) {
    let bits = cuts16(p + i)
    if (n - i < 16) bits &= (1 << (n - i)) - 1
    if (bits) return i + u32(ctz(bits)) + 1
  }
  return 0
}

/** As `firstWordCut`, the largest. */
export function lastWordCut(p: usize, n: u32): u32 {
  let i = n & ~15
  let bits = cuts16(p + i) & ((1 << (n & 15)) - 1)
  while (true) {
    if (bits) return i + 32 - u32(clz(bits))
    if (!i) return 0
    i -= 16
    bits = cuts16(p + i)
  }
}

/** Number of words that start in [p, p + n); `inWord` is 1 when the byte before p belongs to a word. */
export function countWords(p: usize, n: u32, inWord: u32): u32 {
  let count: u64 = 0
  let before: u64 = 1 - inWord
  const end = p + (n & ~63)
  for (; p < end; p += 64) {
    const space = spaces(p)
    count += popcnt(~space & ((space << 1) | before))
    before = space >> 63
  }
  const rest = ((1 as u64) << u64(n & 63)) - 1
  const space = spaces(p)
  return u32(count + popcnt(~space & ((space << 1) | before) & rest))
}

/** Stores from + i as u32 for each set bit i of a byte: eight of them, right or not, without a branch. */
// @ts-ignore: decorator
@inline
function storeByte(byte: u32, from: v128, out: usize): void {
  const numbers = v128.load_ext<u8>(byte << 3, SET_BITS)
  v128.store(out, i32x4.add(i32x4.extend_low_i16x8_u(numbers), from))
  v128.store(out, i32x4.add(i32x4.extend_high_i16x8_u(numbers), from), 16)
}

/**
 * Stores base + i as u32 for each set bit i, and returns where the next would go. Words are so short that
 * a table of all bytes is faster than taking bit after bit. Overwrites up to 32 bytes beyond.
 */
// @ts-ignore: decorator
@inline
function storeDense(bits: u64, base: u32, out: usize): usize {
  const eight = i32x4.splat(8)
  let from = i32x4.splat(base)
  for (let half = 0; half < 2; half++) {
    const low = u32(bits)
    storeByte(low & 255, from, out)
    from = i32x4.add(from, eight)
    storeByte((low >> 8) & 255, from, out + (popcnt(low & 0xff) << 2))
    from = i32x4.add(from, eight)
    storeByte((low >> 16) & 255, from, out + (popcnt(low & 0xffff) << 2))
    from = i32x4.add(from, eight)
    storeByte(low >> 24, from, out + (popcnt(low & 0xffffff) << 2))
    from = i32x4.add(from, eight)
    out += popcnt(low) << 2
    bits >>= 32
  }
  return out
}

/**
 * Writes base + i as u32 at `out` for each i of [0, n) where a word starts or the white space after one
 * starts, in order; returns how many. `inWord` as in `countWords`. Up to 32 bytes beyond are overwritten.
 */
export function wordBoundaries(p: usize, n: u32, inWord: u32, base: u32, out: usize): u32 {
  const start = out
  let before: u64 = 1 - inWord
  const end = p + (n & ~63)
  for (; p < end; p += 64) {
    const space = spaces(p)
    out = storeDense(space ^ ((space << 1) | before), base, out)
    before = space >> 63
    base += 64
  }
  const rest = ((1 as u64) << u64(n & 63)) - 1
  const space = spaces(p)
  out = storeDense((space ^ ((space << 1) | before)) & rest, base, out)
  return u32((out - start) >> 2)
}
