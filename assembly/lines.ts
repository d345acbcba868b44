// Line feeds. Input is read in place; up to 63 bytes after it may be loaded, never used.
const LF: u8 = 10

/** Bit i is set when byte p + i is a line feed, for i < 64. */
// @ts-ignore: decorator
@inline
export function lineFeeds(p: usize): u64 {
  const lf = i8x16.splat(LF)
  return (
    u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p), lf)))) |
    (u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p, 16), lf)))) << 16) |
    (u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p, 32), lf)))) << 32) |
    (u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p, 48), lf)))) << 48)
  )
}

/** The lowest `n` bits, n < 64. */
// @ts-ignore: decorator
@inline
export function lowBits(n: u32): u64 {
  return ((1 as u64) << u64(n)) - 1
}

/**
 * Line feeds in [p, p + n), n a multiple of 64 and at most 64 * 63: four byte lanes are summed before
 * they are widened, and 4 * 63 still fits a byte.
 */
// @ts-ignore: decorator
@inline
function countShort(p: usize, n: u32): u32 {
  const lf = i8x16.splat(LF)
  const end = p + n
  let a = i8x16.splat(0)
  let b = a
  let c = a
  let d = a
  for (; p < end; p += 64) {
    a = i8x16.sub(a, i8x16.eq(v128.load(p), lf))
    b = i8x16.sub(b, i8x16.eq(v128.load(p, 16), lf))
    c = i8x16.sub(c, i8x16.eq(v128.load(p, 32), lf))
    d = i8x16.sub(d, i8x16.eq(v128.load(p, 48), lf))
  }
  const bytes = i8x16.add(i8x16.add(a, b), i8x16.add(c, d))
  const sums = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes))
  return u32(
    i32x4.extract_lane(sums, 0) +
      i32x4.extract_lane(sums, 1) +
      i32x4.extract_lane(sums, 2) +
      i32x4.extract_lane(sums, 3),
  )
}

/** Number of line feeds in [p, p + n). */
export function countLines(p: usize, n: u32): u32 {
  let count: u32 = 0
  const end = p + (n & ~63)
  while (p < end) {
    const length = min<u32>(u32(end - p), 64 * 63)
    count += countShort(p, length)
    p += length
  }
  return count + u32(popcnt(lineFeeds(p) & lowBits(n & 63)))
}

/**
 * For each of `blocks` consecutive blocks of `blockSize` bytes (a multiple of 64, at most 65 472) from p,
 * its number of line feeds as u16 at `out`.
 */
export function lineCountsPerBlock(p: usize, blocks: u32, blockSize: u32, out: usize): void {
  const end = out + (blocks << 1)
  if (blockSize <= 64 * 63) {
    for (; out < end; out += 2) {
      store<u16>(out, countShort(p, blockSize))
      p += blockSize
    }
  } else {
    for (; out < end; out += 2) {
      store<u16>(out, countLines(p, blockSize))
      p += blockSize
    }
  }
}

/**
 * Writes base + i as u32 at `out` for each line feed p[i] of [p, p + n); returns how many.
 * Up to 16 bytes beyond the last are overwritten: storing four at a time, right or not, costs less than a
 * mispredicted branch for each 64 bytes.
 */
export function linePositions(p: usize, n: u32, base: u32, out: usize): u32 {
  const start = out
  const end = p + (n & ~63)
  for (; p < end; p += 64) {
    out = storePositions(lineFeeds(p), base, out)
    base += 64
  }
  out = storePositions(lineFeeds(p) & lowBits(n & 63), base, out)
  return u32((out - start) >> 2)
}

/** Stores base + i for each set bit i, and returns where the next would go. */
// @ts-ignore: decorator
@inline
function storePositions(bits: u64, base: u32, out: usize): usize {
  const next = out + ((popcnt(bits) as usize) << 2)
  while (true) {
    store<u32>(out, base + u32(ctz(bits)))
    bits &= bits - 1
    store<u32>(out, base + u32(ctz(bits)), 4)
    bits &= bits - 1
    store<u32>(out, base + u32(ctz(bits)), 8)
    bits &= bits - 1
    store<u32>(out, base + u32(ctz(bits)), 12)
    bits &= bits - 1
    if (!bits) return next
    out += 16
  }
}

/** 1 + index of the k-th (from 1) line feed of [p, p + n), or 0 when there are fewer. */
export function nthLine(p: usize, n: u32, k: u32): u32 {
  for (let i: u32 = 0; i < n; i += 64) {
    let bits = lineFeeds(p + i)
    if (n - i < 64) bits &= lowBits(n - i)
    const count = u32(popcnt(bits))
    if (count >= k) {
      while (--k) bits &= bits - 1
      return i + u32(ctz(bits)) + 1
    }
    k -= count
  }
  return 0
}

/** 1 + index of the last line feed of [p, p + n), or 0. */
export function lastLine(p: usize, n: u32): u32 {
  let i = n & ~63
  let bits = lineFeeds(p + i) & lowBits(n & 63)
  while (true) {
    if (bits) return i + 64 - u32(clz(bits))
    if (!i) return 0
    i -= 64
    bits = lineFeeds(p + i)
  }
}
