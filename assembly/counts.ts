// Pages of bit-packed counts: the `line-counts` section of docs/index-format.md.
//
// Counts are u16 at `countsPointer()`, where nothing else is kept, so that input and output stay as they are. The page
// is written behind them: at PAGE the sum of the counts as u32, at PAGE + 4 the page itself.

/** PAGE_BLOCKS of src/formats/shared/counts.ts. */
const MOST: u32 = 2048
const PAGE: usize = (MOST as usize) << 1
const HEADER: usize = 3

/** Counts, sum, page; what the last whole words of both take beyond their ends. */
const COUNTS: usize = memory.data(4096 + 4 + 3 + 4096 + 16, 16)

export function countsPointer(): usize {
  return COUNTS
}

/** Packs the first `n` counts, from 1 to MOST, and returns the bytes of their page. What follows them is overwritten. */
export function packCounts(n: u32): u32 {
  const end = COUNTS + (usize(n) << 1)
  // Lanes after the last repeat a count, which changes neither minimum nor maximum; the sum leaves them out.
  const first = load<u16>(COUNTS)
  for (let p = end; p & 15; p += 2) store<u16>(p, first)
  const padding = ((8 - (n & 7)) & 7) * u32(first)
  let low = v128.load(COUNTS)
  let high = low
  let sums = i32x4.splat(0)
  for (let p = COUNTS; p < end; p += 16) {
    const v = v128.load(p)
    low = i16x8.min_u(low, v)
    high = i16x8.max_u(high, v)
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(v))
  }
  let minimum: u32 = 0xffff
  let maximum: u32 = 0
  v128.store(COUNTS + PAGE, low)
  for (let i: usize = 0; i < 16; i += 2) minimum = min(minimum, u32(load<u16>(COUNTS + PAGE + i)))
  v128.store(COUNTS + PAGE, high)
  for (let i: usize = 0; i < 16; i += 2) maximum = max(maximum, u32(load<u16>(COUNTS + PAGE + i)))
  const sum =
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)

  const page = COUNTS + PAGE + 4
  const width = 32 - u32(clz(maximum - minimum))
  store<u32>(COUNTS + PAGE, u32(sum) - padding)
  store<u16>(page, u16(minimum))
  store<u8>(page, u8(width), 2)
  if (!width) return u32(HEADER)
  let out = page + HEADER
  let bits: u32 = 0
  let pending: u64 = 0
  for (let p = COUNTS; p < end; p += 2) {
    pending |= u64(load<u16>(p) - minimum) << u64(bits)
    bits += width
    if (bits >= 32) {
      store<u32>(out, u32(pending))
      out += 4
      pending >>= 32
      bits -= 32
    }
  }
  store<u32>(out, u32(pending))
  return u32(out - page) + ((bits + 7) >> 3)
}
