// Rows of delimited text (RFC 4180 and its dialects), from any known state. A *row end* is a newline outside quotes
// that ends a row: not a blank line, not a comment. A quote opens a quoted field at the start of a field only; anywhere
// else in an unquoted field it is a character like others. What follows a closing quote is unquoted again.
//
// Input is read in place; up to 63 bytes after it may be loaded, never used. Parameters and results are u32 at
// `csvState()`:
//
//   0 NEWLINE     4 SEPARATOR   8 QUOTE    12 ESCAPE     16 COMMENT      a byte; NONE for what the dialect lacks
//  20 EXPECTED .. separators in each row; NONE for any number
//  24 STATE ..... in and out: one of the states below
//  28 OPEN ...... in and out: separators so far in the row that is open
//  32 PARTIAL ... in and out: 1 while that row may have begun before anything was scanned; its end is not checked
//  36 ROWS ...... row ends                 40 HEAD .... separators before the end of the partial row, once it ended
//  44 LAST_END .. 1 + index of the last row end, 0 for none
//  48 RAGGED .... rows that do not have EXPECTED separators; of the first:
//  52 RAGGED_ROW  row ends before its own  56 RAGGED_AT  where it begins, NONE when that is before the input
//  60 RAGGED_HAS  its separators
//  64 SEEN ...... 1 when there was a quote or an escape
//  68 SKIPPED ... newlines that end a blank line or a comment
import { lowBits } from './lines'
import { OUTPUT } from './memory'

const NEWLINE: usize = 0
const SEPARATOR: usize = 4
const QUOTE: usize = 8
const ESCAPE: usize = 12
const COMMENT: usize = 16
const EXPECTED: usize = 20
const STATE: usize = 24
const OPEN: usize = 28
const PARTIAL: usize = 32
const ROWS: usize = 36
const HEAD: usize = 40
const LAST_END: usize = 44
const RAGGED: usize = 48
const RAGGED_ROW: usize = 52
const RAGGED_AT: usize = 56
const RAGGED_HAS: usize = 60
const SEEN: usize = 64
const SKIPPED: usize = 68

const CSV: usize = memory.data(72, 16)
const NONE: u32 = u32.MAX_VALUE

/** Bytes of a block: BLOCK_SIZE of src/formats/shared/counts.ts. */
const BLOCK: u32 = 512
/** States of blocks are written so far behind their counts. */
const STATES: usize = 1 << 19

// States. They stand in indexes and slices.
/** Inside an unquoted field. */
const PLAIN: u32 = 0
/** Inside a quoted field. */
const QUOTED: u32 = 1
/** Nothing of a row so far. */
const ROW_START: u32 = 2
/** After a separator. */
const FIELD_START: u32 = 3
/** After a quote in a quoted field: it closed the field, unless another follows. */
const CLOSED: u32 = 4
/** After an escape in a quoted field. */
const ESCAPED: u32 = 5
const IN_COMMENT: u32 = 6
/** After a carriage return that begins a line: blank, if a line feed follows. */
const CR_START: u32 = 7

// What a byte brought about, added to the state after it.
const ROW_END: u32 = 8
const SKIPPED_END: u32 = 16
const SEPARATES: u32 = 32
const STATE_BITS: u32 = 7

const LF: u32 = 10
const CR: u32 = 13

export function csvState(): usize {
  return CSV
}

/** Bit i is set when byte p + i equals the lanes of `v`, for i < 64. */
// @ts-ignore: decorator
@inline
function equal(p: usize, v: v128): u64 {
  return (
    u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p), v)))) |
    (u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p, 16), v)))) << 16) |
    (u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p, 32), v)))) << 32) |
    (u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p, 48), v)))) << 48)
  )
}

/** Bit i is the parity of bits 0 to i. */
// @ts-ignore: decorator
@inline
function prefixParity(bits: u64): u64 {
  bits ^= bits << 1
  bits ^= bits << 2
  bits ^= bits << 4
  bits ^= bits << 8
  bits ^= bits << 16
  return bits ^ (bits << 32)
}

/** The exact automaton: the state after one more byte, and what that byte was. */
function step(state: u32, byte: u32): u32 {
  if (state == QUOTED) {
    if (byte == load<u32>(CSV, QUOTE)) return CLOSED
    return byte == load<u32>(CSV, ESCAPE) ? ESCAPED : QUOTED
  }
  if (state == ESCAPED) return QUOTED
  const newline = load<u32>(CSV, NEWLINE)
  if (byte == newline) {
    const blank = state == ROW_START || state == CR_START || state == IN_COMMENT
    return ROW_START | (blank ? SKIPPED_END : ROW_END)
  }
  if (state == IN_COMMENT) return IN_COMMENT
  if (byte == load<u32>(CSV, SEPARATOR)) return FIELD_START | SEPARATES
  if (byte == load<u32>(CSV, QUOTE)) {
    return state == ROW_START || state == FIELD_START || state == CLOSED ? QUOTED : PLAIN
  }
  if (state == ROW_START) {
    if (byte == load<u32>(CSV, COMMENT)) return IN_COMMENT
    if (byte == CR && newline == LF) return CR_START
  }
  return PLAIN
}

/** The simplest state from which everything that begins with `byte` is read alike. */
export function csvSimplest(state: u32, byte: u32): u32 {
  if (state == PLAIN || state == QUOTED || state == ESCAPED || state == IN_COMMENT) return state
  if (byte == load<u32>(CSV, QUOTE)) return state == CLOSED ? CLOSED : state == CR_START ? PLAIN : FIELD_START
  const newline = load<u32>(CSV, NEWLINE)
  if (state == CR_START) return byte == newline ? CR_START : PLAIN
  if (state != ROW_START) return PLAIN
  if (byte == newline || byte == load<u32>(CSV, COMMENT)) return ROW_START
  return byte == CR && newline == LF ? ROW_START : PLAIN
}

/** 1 + index of the k-th (from 1) row end of [p, p + n), or 0 when there are fewer; then STATE is that after all. */
export function csvNth(p: usize, n: u32, k: u32): u32 {
  let state = load<u32>(CSV, STATE)
  for (let i: u32 = 0; i < n; i++) {
    const next = step(state, load<u8>(p + i))
    state = next & STATE_BITS
    if (next & ROW_END && --k == 0) {
      store<u32>(CSV, state, STATE)
      return i + 1
    }
  }
  store<u32>(CSV, state, STATE)
  return 0
}

/** Notes the end of a row with `separators`, that began at `start`. */
// @ts-ignore: decorator
@inline
function endRow(row: u32, start: u32, separators: u32): void {
  if (load<u32>(CSV, PARTIAL)) {
    store<u32>(CSV, 0, PARTIAL)
    store<u32>(CSV, separators, HEAD)
  } else if (separators != load<u32>(CSV, EXPECTED)) {
    noteRagged(row, start, separators)
  }
}

function noteRagged(row: u32, start: u32, separators: u32): void {
  if (load<u32>(CSV, EXPECTED) == NONE) return
  const ragged = load<u32>(CSV, RAGGED)
  if (!ragged) {
    store<u32>(CSV, row, RAGGED_ROW)
    store<u32>(CSV, start, RAGGED_AT)
    store<u32>(CSV, separators, RAGGED_HAS)
  }
  store<u32>(CSV, ragged + 1, RAGGED)
}

// The state between two blocks of `scanFast`, as bits that go before the next ones; and separators of the open row.
let fastInside: u64 = 0
let fastPast: u64 = 0
let fastOpens: u64 = 0
let fastOpen: u64 = 0
let fastQuotes: u64 = 0
// What it leaves behind: of the blocks it got through.
let fastState: u32 = 0
let fastRows: u32 = 0
let fastSeen: bool = false
/** Just after the last row end; 0 for none. */
let fastEnd: usize = 0

/** Row ends of the block at hand, and of the last one that had any: u64 for each 64 bytes. */
const MASKS: usize = memory.data(128, 128)
const MASKS_SIZE: usize = 64

/** Instead of a number of rows: the block has a quote; something in it is not as it usually is. */
const HAS_QUOTE: u32 = NONE - 1
const IS_ODD: u32 = NONE
/** Blocks without a quote, after which none is expected in the next one. */
const QUIET: u32 = 8

/** Bit i is set when byte i of the four equals the lanes of `v`. */
// @ts-ignore: decorator
@inline
function mask(a: v128, b: v128, c: v128, d: v128, v: v128): u64 {
  return (
    u64(u32(i8x16.bitmask(i8x16.eq(a, v)) | (i8x16.bitmask(i8x16.eq(b, v)) << 16))) |
    (u64(u32(i8x16.bitmask(i8x16.eq(c, v)) | (i8x16.bitmask(i8x16.eq(d, v)) << 16))) << 32)
  )
}

/**
 * The row ends of a whole block, written to `masks` too, or why it is not known. Moves the state on when it is.
 *
 * With as few branches and variables as can be: one that is mispredicted or spilled costs as much as half of the rest.
 */
// @ts-ignore: decorator
@inline
function scanBlock(p: usize, masks: usize, quoted: bool): u32 {
  const newline = load<u32>(CSV, NEWLINE)
  const newlines = i8x16.splat(u8(newline))
  const separators = i8x16.splat(load<u8>(CSV, SEPARATOR))
  const quotes = i8x16.splat(load<u8>(CSV, QUOTE))
  const expected = u64(load<u32>(CSV, EXPECTED))
  // Blank lines are rows without separators, so where rows have some those are found as ragged ones.
  const unchecked = expected == 0 || u32(expected) == NONE
  let open = fastOpen
  const end = p + BLOCK
  let inside = fastInside
  let past = fastPast
  let opens = fastOpens
  // Separators from the next byte on to the next row end, if that row is as it should be.
  let wanted = expected - fastOpen
  let rows: u64 = 0
  let bad: u64 = 0
  let odd: u64 = 0
  let some: u64 = 0
  let either = i8x16.splat(0)
  let last: u64 = 0
  do {
    const a = v128.load(p)
    const b = v128.load(p, 16)
    const c = v128.load(p, 32)
    const d = v128.load(p, 48)
    let ends = mask(a, b, c, d, newlines)
    let between = mask(a, b, c, d, separators)
    if (quoted) {
      const q = mask(a, b, c, d, quotes)
      some |= q
      const within = prefixParity(q) ^ inside
      const outside = ~within
      ends &= outside
      between &= outside
      // An opening quote comes after a separator, a newline or, when it is the second of two, a quote that closed.
      const before = ends | between | (q & outside)
      odd |= q & within & ~((before << 1) | opens)
      opens = before >> 63
      inside = u64(i64(within) >> 63)
    } else {
      const ab = v128.or(i8x16.eq(a, quotes), i8x16.eq(b, quotes))
      const cd = v128.or(i8x16.eq(c, quotes), i8x16.eq(d, quotes))
      either = v128.or(either, v128.or(ab, cd))
      last = between
    }
    if (unchecked) {
      // A blank line, or a row of one byte.
      if (ends & ((ends << 1) | (ends << 2) | (past >> 63) | (past >> 62))) {
        const returns = newline == LF ? equal(p - 1, i8x16.splat(u8(CR))) : 0
        odd |= ends & ((ends << 1) | (past >> 63) | (((ends << 2) | (past >> 62)) & returns))
      }
      open = ends ? popcnt(between >> (63 - clz(ends))) : open + popcnt(between)
    }
    const all = popcnt(between)
    const count = popcnt(ends)
    const rest = ends & (ends - 1)
    if (rest & (rest - 1)) {
      let left = ends
      let due = wanted
      do {
        bad |= popcnt(between & ((left & -left) - 1)) ^ due
        due += expected
        left &= left - 1
      } while (left)
    } else {
      // No row end, one or two, without asking which.
      bad |= (popcnt(between & (ends - 1)) ^ wanted) & u64(i64(ends | (0 - ends)) >> 63)
      bad |= (popcnt(between & (rest - 1)) ^ (wanted + expected)) & u64(i64(rest | (0 - rest)) >> 63)
    }
    wanted += count * expected - all
    rows += count
    store<u64>(masks, ends)
    masks += 8
    past = ends
    p += 64
  } while (p < end)
  if (!quoted && v128.any_true(either)) return HAS_QUOTE
  if (odd || (bad && u32(expected) != NONE)) return IS_ODD
  fastInside = inside
  fastPast = past
  fastOpens = quoted ? opens : (last | past) >> 63
  fastOpen = unchecked ? open : expected - wanted
  fastQuotes = some
  return u32(rows)
}

function scanUnquoted(p: usize, masks: usize): u32 {
  return scanBlock(p, masks, false)
}

function scanQuoted(p: usize, masks: usize): u32 {
  return scanBlock(p, masks, true)
}

/**
 * As `csvScan`, for whole blocks from `p` on up to the first in which something is not as it usually is: a blank line, a
 * quote that neither opens nor closes a field, a ragged row. Returns how many it got through.
 */
function scanFast(p: usize, blocks: u32, out: usize, state: u32, open: u32): u32 {
  const newline = load<u32>(CSV, NEWLINE)
  const separator = load<u32>(CSV, SEPARATOR)
  const quote = load<u32>(CSV, QUOTE)
  fastInside = state == QUOTED ? u64.MAX_VALUE : 0
  fastPast = u64(state == ROW_START) << 63
  fastOpens = u64(state == ROW_START || state == FIELD_START || state == CLOSED)
  fastOpen = u64(open)
  fastSeen = false
  let total: u32 = 0
  let done: u32 = 0
  let quiet: u32 = QUIET
  let masks = MASKS
  let endBlock: usize = 0

  for (; done < blocks; done++) {
    let rows = HAS_QUOTE
    if (quiet >= QUIET && !fastInside) rows = scanUnquoted(p, masks)
    if (rows == HAS_QUOTE) {
      rows = quote == NONE ? IS_ODD : scanQuoted(p, masks)
      if (rows == IS_ODD) break
      quiet = fastQuotes ? 0 : quiet + 1
      fastSeen = fastSeen || fastQuotes != 0
    } else if (rows == IS_ODD) break
    if (rows) {
      total += rows
      endBlock = p
      masks ^= MASKS_SIZE
    }
    store<u16>(out, u16(rows))
    p += BLOCK
    const last = u32(load<u8>(p - 1))
    if (fastInside) state = QUOTED
    else if (last == newline) state = ROW_START
    else if (last == separator) state = FIELD_START
    else if (last == quote) state = CLOSED
    else if (last == CR && newline == LF && (fastPast >> 62) & 1) state = CR_START
    else state = PLAIN
    out += 2
    if (done + 1 == blocks) {
      done++
      break
    }
    store<u16>(out, u16(state <= QUOTED ? state : csvSimplest(state, load<u8>(p))), STATES)
    // What one look at the next bytes cannot tell.
    if (state == CR_START) {
      done++
      break
    }
  }
  fastState = state
  fastRows = total
  fastEnd = endBlock ? endBlock + afterLast(masks ^ MASKS_SIZE) : 0
  return done
}

/** 1 + the number of the last bit in a block's masks, of which one is set. */
function afterLast(masks: usize): usize {
  let i: usize = BLOCK - 64
  while (!load<u64>(masks + (i >> 3))) i -= 64
  return i + 64 - usize(clz(load<u64>(masks + (i >> 3))))
}

/**
 * Takes in [p, p + n), of which the first `first` bytes (from 1 to BLOCK) lie in one block, the next BLOCK in another,
 * and so on. For each block, writes its row ends as u16 at OUTPUT, and the simplest state before its first byte here as
 * u16 STATES bytes further on. Returns the number of blocks.
 */
export function csvScan(p: usize, n: u32, first: u32): u32 {
  const newline = load<u32>(CSV, NEWLINE)
  const quote = load<u32>(CSV, QUOTE)
  const escape = load<u32>(CSV, ESCAPE)
  const comment = load<u32>(CSV, COMMENT)
  const separator = load<u32>(CSV, SEPARATOR)
  const fast = escape == NONE && comment == NONE
  const newlines = i8x16.splat(u8(newline))
  const separators = i8x16.splat(u8(separator))
  const quotes = i8x16.splat(u8(quote))
  const escapes = i8x16.splat(u8(escape))
  const comments = i8x16.splat(u8(comment))
  const returns = i8x16.splat(u8(CR))
  const withQuotes: u64 = quote == NONE ? 0 : u64.MAX_VALUE
  const crlf = newline == LF

  store<u32>(CSV, 0, RAGGED)
  const base = p
  const end = p + n
  let out = OUTPUT
  let state = load<u32>(CSV, STATE)
  let open = load<u32>(CSV, OPEN)
  let rows: u32 = 0
  let lastEnd: u32 = 0
  let skipped: u32 = 0
  let seen: u64 = 0

  let blockEnd = p + min(first, n)
  while (p < end) {
    store<u16>(out, u16(state <= QUOTED ? state : csvSimplest(state, load<u8>(p))), STATES)
    const before = rows
    if (fast && blockEnd - p == BLOCK && state <= CLOSED && !load<u32>(CSV, PARTIAL)) {
      const done = scanFast(p, u32(end - p) / BLOCK, out, state, open)
      if (done) {
        if (fastEnd) lastEnd = u32(fastEnd - base)
        rows += fastRows
        state = fastState
        open = u32(fastOpen)
        seen |= u64(fastSeen)
        out += done << 1
        p += done * BLOCK
        blockEnd = p + min(usize(BLOCK), end - p)
        continue
      }
    }
    while (p < blockEnd) {
      // The state, as bits that go before the next ones: newlines outside quotes at 63 and 62, and so on.
      let inside: u64 = state == QUOTED ? u64.MAX_VALUE : 0
      let pastNewlines: u64 = state == ROW_START ? 1 << 63 : state == CR_START ? 1 << 62 : 0
      let opens = u64(state == ROW_START || state == FIELD_START || state == CLOSED)
      let pastReturn = state == CR_START
      let exact = state == ESCAPED || state == IN_COMMENT
      let lastQuote: u64 = u64(state == CLOSED) << 63
      let lastSeparator: u64 = u64(state == FIELD_START) << 63

      for (; p < blockEnd && !exact; p += 64) {
        const rest = u32(blockEnd - p)
        const valid = rest < 64 ? lowBits(rest) : u64.MAX_VALUE
        const q = equal(p, quotes) & withQuotes & valid
        seen |= q
        const s = equal(p, separators) & valid
        const nl = equal(p, newlines) & valid
        let within = inside
        if (q) {
          within = prefixParity(q) ^ inside
          const outside = ~within
          // An opening quote comes after a separator, a newline or, when it is the second of two, a quote that closed.
          if (q & within & ~((((q | s | nl) & outside) << 1) | opens)) {
            exact = true
            break
          }
        }
        if (escape != NONE) {
          const e = equal(p, escapes) & valid
          seen |= e
          if (e & (within | inside)) {
            exact = true
            break
          }
        }
        const outside = ~within & valid
        const feeds = nl & outside
        if (comment != NONE && equal(p, comments) & outside & ((feeds << 1) | (pastNewlines >> 63))) {
          exact = true
          break
        }
        let blank = feeds & ((feeds << 1) | (pastNewlines >> 63))
        const shortLines = feeds & ((feeds << 2) | (pastNewlines >> 62))
        if (crlf && shortLines) {
          const before: u64 = p > base ? u64(load<u8>(p - 1) == u8(CR)) : u64(pastReturn)
          blank |= shortLines & ((equal(p, returns) << 1) | before)
        }
        let ends = feeds & ~blank
        if (blank) skipped += u32(popcnt(blank))
        let between = s & outside
        if (ends) {
          const at = u32(p - base)
          do {
            const bit = u32(ctz(ends))
            const until = ((1 as u64) << u64(bit)) - 1
            open += u32(popcnt(between & until))
            endRow(rows, lastEnd ? lastEnd : NONE, open)
            rows++
            lastEnd = at + bit + 1
            open = 0
            between &= ~until
            ends &= ends - 1
          } while (ends)
        }
        open += u32(popcnt(between))
        if (rest < 64) {
          const shift = u64(64 - rest)
          pastNewlines = (feeds << shift) | (pastNewlines >> u64(rest))
          lastSeparator = (s & outside) << shift
          lastQuote = (q & outside) << shift
          inside = u64(i64(within << shift) >> 63)
        } else {
          pastNewlines = feeds
          lastSeparator = s & outside
          lastQuote = q & outside
          inside = u64(i64(within) >> 63)
        }
        opens = (pastNewlines | lastSeparator | lastQuote) >> 63
      }
      if (p > blockEnd) p = blockEnd

      if (inside) state = QUOTED
      else if (pastNewlines >> 63) state = ROW_START
      else if (lastSeparator >> 63) state = FIELD_START
      else if (lastQuote >> 63) state = CLOSED
      else if (exact && (state == ESCAPED || state == IN_COMMENT)) {
      } else if (crlf && (pastNewlines >> 62) & 1 && (p > base ? load<u8>(p - 1) == u8(CR) : pastReturn)) {
        state = CR_START
      } else state = PLAIN

      if (exact) {
        // Byte by byte, for as long as it takes to get through what bits cannot tell.
        const stop = min(p + 64, blockEnd)
        for (; p < stop; p++) {
          const byte = u32(load<u8>(p))
          seen |= u64(byte == quote || byte == escape)
          const next = step(state, byte)
          state = next & STATE_BITS
          if (next & SEPARATES) open++
          if (next & SKIPPED_END) skipped++
          if (next & ROW_END) {
            endRow(rows, lastEnd ? lastEnd : NONE, open)
            rows++
            lastEnd = u32(p - base) + 1
            open = 0
          }
        }
      }
    }

    store<u16>(out, u16(rows - before))
    out += 2
    blockEnd = p + min(usize(BLOCK), end - p)
  }

  store<u32>(CSV, state, STATE)
  store<u32>(CSV, open, OPEN)
  store<u32>(CSV, rows, ROWS)
  store<u32>(CSV, lastEnd, LAST_END)
  store<u32>(CSV, u32(seen != 0), SEEN)
  store<u32>(CSV, skipped, SKIPPED)
  return u32((out - OUTPUT) >> 1)
}
