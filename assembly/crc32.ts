// CRC-32 of RFC 1952 section 8 (polynomial 0x04C11DB7, reflected).
//
// A message may be changed without changing its remainder by adding (xor) a multiple of the polynomial
// P to it. Multiples with few terms make that fast. Where all exponents of one are multiples of 128, it
// removes a whole 16-byte word by adding it to a few words further on, without tables, and without one
// step waiting for the one before. Three stages, each leaving a shorter message with the same remainder:
//
//   long    x^300 + x^155 + x^117 + x^89 + 1, the only multiple of P with five terms up to degree 420 (found by
//           search), with every exponent times 128: four additions a word, leaves 300 words
//   short   P itself, with every exponent times 128: fourteen additions a word, leaves 32 words
//   bytes   16 bytes a step through 16 tables ("slicing-by-16")
//
// That squaring a polynomial over GF(2) doubles its exponents is why the multiples stay multiples.

const WORD: u32 = 16
const LONG: u32 = 300 * WORD
const SHORT: u32 = 32 * WORD

/** From these lengths on a stage is worth its end. */
const LONG_FROM: u32 = 3 * LONG
const SHORT_FROM: u32 = 3 * SHORT

/** Bytes that the long stage folds before their last 300 words are moved to the front again. */
const STRIDE: u32 = 1 << 15

const TABLES: usize = memory.data(16 * 256 * 4, 64)
/** Words of a stage: LONG or SHORT bytes of earlier ones, those being folded, as many zeros. */
const WORDS: usize = memory.data(LONG + STRIDE + LONG, 64)
/** What a stage leaves. */
const LONG_REST: usize = memory.data(LONG, 64)
const SHORT_REST: usize = memory.data(SHORT, 64)

/** Fills the tables. Once, before any other function here. */
export function crc32Init(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let c = i
    for (let k = 0; k < 8; k++) c = (c >> 1) ^ (0xedb88320 & -(c & 1))
    store<u32>(TABLES + (i << 2), c)
  }
  for (let i: u32 = 256; i < 16 * 256; i++) {
    const c = load<u32>(TABLES + ((i - 256) << 2))
    store<u32>(TABLES + (i << 2), (c >> 8) ^ load<u32>(TABLES + ((c & 255) << 2)))
  }
}

/** The CRC register after [p, p + n), from `c`; neither is complemented. */
function byBytes(p: usize, n: u32, c: u32): u32 {
  const words = p + (n & ~15)
  const end = p + n
  for (; p < words; p += WORD) {
    const x = load<u64>(p)
    const y = load<u64>(p, 8)
    const x0 = u32(x) ^ c
    const x1 = u32(x >> 32)
    const y0 = u32(y)
    const y1 = u32(y >> 32)
    // The four that wait for `c` come last.
    c =
      load<u32>((y1 >> 24) << 2, TABLES) ^
      load<u32>(((y1 >> 16) & 255) << 2, TABLES + 1 * 1024) ^
      load<u32>(((y1 >> 8) & 255) << 2, TABLES + 2 * 1024) ^
      load<u32>((y1 & 255) << 2, TABLES + 3 * 1024) ^
      load<u32>((y0 >> 24) << 2, TABLES + 4 * 1024) ^
      load<u32>(((y0 >> 16) & 255) << 2, TABLES + 5 * 1024) ^
      load<u32>(((y0 >> 8) & 255) << 2, TABLES + 6 * 1024) ^
      load<u32>((y0 & 255) << 2, TABLES + 7 * 1024) ^
      load<u32>((x1 >> 24) << 2, TABLES + 8 * 1024) ^
      load<u32>(((x1 >> 16) & 255) << 2, TABLES + 9 * 1024) ^
      load<u32>(((x1 >> 8) & 255) << 2, TABLES + 10 * 1024) ^
      load<u32>((x1 & 255) << 2, TABLES + 11 * 1024) ^
      load<u32>((x0 >> 24) << 2, TABLES + 12 * 1024) ^
      load<u32>(((x0 >> 16) & 255) << 2, TABLES + 13 * 1024) ^
      load<u32>(((x0 >> 8) & 255) << 2, TABLES + 14 * 1024) ^
      load<u32>((x0 & 255) << 2, TABLES + 15 * 1024)
  }
  for (; p < end; p++) c = (c >> 8) ^ load<u32>(((c ^ load<u8>(p)) & 255) << 2, TABLES)
  return c
}

/** The first word of a message, with the register `c`: it enters as if added to the first four bytes. */
// @ts-ignore: decorator
@inline
function entered(p: usize, c: u32): v128 {
  return v128.xor(v128.load(p), i32x4.replace_lane(i32x4.splat(0), 0, c))
}

// @ts-ignore: decorator
@inline
function xor3(a: v128, b: v128, c: v128): v128 {
  return v128.xor(v128.xor(a, b), c)
}

// The two below give the word at `p` with the earlier words that reach it added. The furthest of those
// lies at `w`; the others have constant offsets from it, which cost nothing.

// @ts-ignore: decorator
@inline
function foldLong(p: usize, w: usize): v128 {
  return v128.xor(
    xor3(v128.load(p), v128.load(w), v128.load(w, LONG - 211 * WORD)),
    v128.xor(v128.load(w, LONG - 183 * WORD), v128.load(w, LONG - 145 * WORD)),
  )
}

// @ts-ignore: decorator
@inline
function foldShort(p: usize, w: usize): v128 {
  return xor3(
    xor3(
      xor3(v128.load(p), v128.load(w), v128.load(w, SHORT - 31 * WORD)),
      xor3(
        v128.load(w, SHORT - 30 * WORD),
        v128.load(w, SHORT - 28 * WORD),
        v128.load(w, SHORT - 27 * WORD),
      ),
      xor3(
        v128.load(w, SHORT - 25 * WORD),
        v128.load(w, SHORT - 24 * WORD),
        v128.load(w, SHORT - 22 * WORD),
      ),
    ),
    xor3(v128.load(w, SHORT - 21 * WORD), v128.load(w, SHORT - 20 * WORD), v128.load(w, SHORT - 16 * WORD)),
    xor3(v128.load(w, SHORT - 10 * WORD), v128.load(w, SHORT - 9 * WORD), v128.load(w, SHORT - 6 * WORD)),
  )
}

/** As `byBytes`, for SHORT < n <= LONG_FROM. */
function byShort(p: usize, n: u32, c: u32): u32 {
  const rest = n & 15
  const tail = p + n - rest - SHORT
  let w = WORDS
  memory.fill(w, 0, SHORT)
  v128.store(w, entered(p, c), SHORT)
  for (p += WORD, w += WORD; p < tail; p += WORD, w += WORD) v128.store(w, foldShort(p, w), SHORT)
  memory.fill(w + SHORT, 0, SHORT)
  for (let i: u32 = 0; i < SHORT; i += WORD) v128.store(SHORT_REST + i, foldShort(p + i, w + i))
  return byBytes(p + SHORT, rest, byBytes(SHORT_REST, SHORT, 0))
}

/** As `byBytes`, for n > LONG. */
function byLong(p: usize, n: u32, c: u32): u32 {
  const rest = n & 15
  const tail = p + n - rest - LONG
  let w = WORDS
  memory.fill(w, 0, LONG)
  v128.store(w, entered(p, c), LONG)
  p += WORD
  w += WORD
  while (true) {
    const stop = p + min<usize>(tail - p, WORDS + STRIDE - w)
    for (; p < stop; p += WORD, w += WORD) v128.store(w, foldLong(p, w), LONG)
    if (p == tail) break
    memory.copy(WORDS, w, LONG)
    w = WORDS
  }
  memory.fill(w + LONG, 0, LONG)
  for (let i: u32 = 0; i < LONG; i += WORD) v128.store(LONG_REST + i, foldLong(p + i, w + i))
  return byBytes(p + LONG, rest, byShort(LONG_REST, LONG, 0))
}

/** CRC-32 of the bytes that `seed` is the CRC-32 of, followed by [p, p + n). The seed of nothing is 0. */
export function crc32(p: usize, n: u32, seed: u32): u32 {
  const c = ~seed
  if (n < SHORT_FROM) return ~byBytes(p, n, c)
  return ~(n < LONG_FROM ? byShort(p, n, c) : byLong(p, n, c))
}
