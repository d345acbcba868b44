// CRC-32 of RFC 1952 section 8 (polynomial 0x04C11DB7, reflected).
//
// Two stages. `remainder` reads 16 bytes a step through 16 tables ("slicing-by-16"). `fold` comes before
// it for long inputs and needs no tables: x^300 + x^155 + x^117 + x^89 + 1 is a multiple of the CRC
// polynomial, found by search, and so is the same with every exponent times 128. Hence a 16-byte word may
// be removed from the message when it is added (xor) to the words 145, 183, 211 and 300 places later:
// the remainder does not change. Folded so, an input of any length shrinks to its last 300 words, at
// four loads and xors for 16 bytes, and no step waits for the one before.

const WORD: u32 = 16
const WORDS: u32 = 300
/** 300 words: what is left of a folded input, and how far back a word reaches. */
const HISTORY: u32 = WORDS * WORD
const A: usize = 145 * WORD
const B: usize = 183 * WORD
const C: usize = 211 * WORD
const D: usize = 300 * WORD

/** Bytes folded before their last 300 words are moved to the front again. */
const STRIDE: u32 = 1 << 15
/** Below this slicing is faster. */
const FOLD_FROM: u32 = 3 * HISTORY

const TABLES: usize = memory.data(16 * 256 * 4, 64)
/** HISTORY bytes of earlier words, STRIDE bytes of words being folded, HISTORY zeros past the end. */
const FOLDED: usize = memory.data(HISTORY + STRIDE + HISTORY, 64)
const TAIL: usize = memory.data(HISTORY, 64)

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
function remainder(p: usize, n: u32, c: u32): u32 {
  const words = p + (n & ~15)
  const end = p + n
  for (; p < words; p += WORD) {
    const x = load<u64>(p) ^ c
    const y = load<u64>(p, 8)
    const x0 = u32(x)
    const x1 = u32(x >> 32)
    const y0 = u32(y)
    const y1 = u32(y >> 32)
    c =
      load<u32>((x0 & 255) << 2, TABLES + 15 * 1024) ^
      load<u32>(((x0 >> 8) & 255) << 2, TABLES + 14 * 1024) ^
      load<u32>(((x0 >> 16) & 255) << 2, TABLES + 13 * 1024) ^
      load<u32>((x0 >> 24) << 2, TABLES + 12 * 1024) ^
      load<u32>((x1 & 255) << 2, TABLES + 11 * 1024) ^
      load<u32>(((x1 >> 8) & 255) << 2, TABLES + 10 * 1024) ^
      load<u32>(((x1 >> 16) & 255) << 2, TABLES + 9 * 1024) ^
      load<u32>((x1 >> 24) << 2, TABLES + 8 * 1024) ^
      load<u32>((y0 & 255) << 2, TABLES + 7 * 1024) ^
      load<u32>(((y0 >> 8) & 255) << 2, TABLES + 6 * 1024) ^
      load<u32>(((y0 >> 16) & 255) << 2, TABLES + 5 * 1024) ^
      load<u32>((y0 >> 24) << 2, TABLES + 4 * 1024) ^
      load<u32>((y1 & 255) << 2, TABLES + 3 * 1024) ^
      load<u32>(((y1 >> 8) & 255) << 2, TABLES + 2 * 1024) ^
      load<u32>(((y1 >> 16) & 255) << 2, TABLES + 1 * 1024) ^
      load<u32>((y1 >> 24) << 2, TABLES + 0 * 1024)
  }
  for (; p < end; p++) c = (c >> 8) ^ load<u32>(((c ^ load<u8>(p)) & 255) << 2, TABLES)
  return c
}

/** The word at `to` when the one at `from` is added to those already folded. */
// @ts-ignore: decorator
@inline
function folded(from: usize, to: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(from), v128.load(to - A)),
    v128.xor(v128.load(to - B), v128.xor(v128.load(to - C), v128.load(to - D))),
  )
}

/** `remainder` for n >= FOLD_FROM. */
function fold(p: usize, n: u32, c: u32): u32 {
  const first = FOLDED + HISTORY
  const rest = n & 15
  const tail = p + n - rest - HISTORY
  memory.fill(FOLDED, 0, HISTORY)
  // The register enters as if it were added to the first four bytes: nothing has reached them yet.
  let to = first
  v128.store(to, v128.xor(v128.load(p), i32x4.replace_lane(i32x4.splat(0), 0, c)))
  to += WORD
  p += WORD
  while (true) {
    const stop = to + min<usize>(tail - p, first + STRIDE - to)
    const stop4 = stop - 48
    while (to < stop4) {
      v128.store(to, folded(p, to))
      v128.store(to, folded(p + 16, to + 16), 16)
      v128.store(to, folded(p + 32, to + 32), 32)
      v128.store(to, folded(p + 48, to + 48), 48)
      p += 64
      to += 64
    }
    for (; to < stop; p += WORD, to += WORD) v128.store(to, folded(p, to))
    if (p == tail) break
    memory.copy(FOLDED, to - HISTORY, HISTORY)
    to = first
  }
  memory.fill(to, 0, HISTORY)
  for (let i: usize = 0; i < HISTORY; i += WORD) v128.store(TAIL + i, folded(p + i, to + i))
  return remainder(p + HISTORY, rest, remainder(TAIL, HISTORY, 0))
}

/** CRC-32 of the bytes that `seed` is the CRC-32 of, followed by [p, p + n). The seed of nothing is 0. */
export function crc32(p: usize, n: u32, seed: u32): u32 {
  return ~(n < FOLD_FROM ? remainder(p, n, ~seed) : fold(p, n, ~seed))
}
