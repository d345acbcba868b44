// FASTA: a line that starts with ">" is a header, all others until the next one are its sequence. The first line of
// the input may have begun before it and the last may go on after it: both are left to the caller, since whether the
// first is a header only its start tells. Input is read in place; up to 63 bytes after it may be loaded, never used.
//
// A residue is a byte from "!" to "~", as for samtools. A line's width counts its line feed. A line of nothing but
// its terminator, LF or CR LF, is blank.
//
// State, little-endian, u64 unless said. The caller may copy it away and back between calls. Offsets count from the
// start of the input.
//
//   0 POSITION ... bytes so far
//   8 OPEN ....... the line since the last line feed: bytes, residues; i32 its first byte, i32 its last, -1 for none
//  32 HEAD ....... the same for the bytes before the first line feed
//  56 FEED ....... u32: whether there was a line feed
//  60 HEADERS .... u32: whether there was a header
//  64 LEAD ....... the lines between HEAD and the first header
// 120 LINES ...... the lines since the last header, or since HEAD when there was none
//       0 RESIDUES
//       8 WIDTH ...... of the first line that is not blank; 2 when there is none and the first blank one has CR LF
//      16 BASES ...... residues in it
//      24 COUNT ...... lines that have this width, one after the other
//      32 START ...... offset of the first line that is not blank
//      40 PHASE ...... u32: what the last line was: 0 none, 1 one of these, 2 a shorter one, 3 blank
//      44 FLAGS ...... u32: 1 FAULT: a line is longer than the first, or follows a shorter or blank one;
//                      2 MIXED: lines of equal width differ in residues, or one has other bytes than residues
//
// For each header, `fastaScan` writes 48 bytes at OUTPUT, f64 each: the offsets of the header and of what follows
// its line feed; RESIDUES, WIDTH, BASES and FLAGS of the lines before it.
import { lineFeeds, lowBits } from './lines'
import { OUTPUT } from './memory'

const POSITION: usize = 0
const OPEN: usize = 8
const HEAD: usize = 32
const FEED: usize = 56
const HEADERS: usize = 60
const LEAD: usize = 64
const LINES: usize = 120
const LINES_SIZE: usize = 56
const STATE_SIZE: i32 = 176

// Within OPEN and HEAD.
const OPEN_BASES: usize = 8
const FIRST: usize = 16
const LAST: usize = 20

const RESIDUES: usize = 0
const WIDTH: usize = 8
const BASES: usize = 16
const COUNT: usize = 24
const START: usize = 32
const PHASE: usize = 40
const FLAGS: usize = 44

const FAULT: u32 = 1
const MIXED: u32 = 2

const LF: u8 = 10
const CR: i32 = 13
const GT: u8 = 62
const LOWEST: u8 = 0x21
/** From the lowest residue to the highest. */
const SPREAD: u8 = 0x7e - 0x21

const STATE: usize = memory.data(STATE_SIZE, 16)
const CURRENT: usize = STATE + LINES

/** Where the state is; `fastaReset` is what it begins with. */
export function fastaState(): usize {
  return STATE
}

export function fastaReset(): void {
  memory.fill(STATE, 0, STATE_SIZE)
  clearOpen()
  memory.copy(STATE + HEAD, STATE + OPEN, 24)
}

/** Takes in the next bytes, [p, p + n), at most 32 KiB; returns how many headers ended in them. */
export function fastaScan(p: usize, n: u32): u32 {
  const end = p + n
  const base = load<u64>(STATE, POSITION) - u64(p)
  store<u64>(STATE, load<u64>(STATE, POSITION) + u64(n), POSITION)
  let out = OUTPUT
  let at = p
  if (!load<u32>(STATE, FEED) || load<u64>(STATE, OPEN)) {
    const feed = measure(at, end)
    extendOpen(at, feed)
    if (feed == end) return 0
    const first = load<i32>(STATE + OPEN, FIRST)
    const bytes = load<u64>(STATE, OPEN)
    const start = base + u64(feed) - bytes
    if (!load<u32>(STATE, FEED)) {
      memory.copy(STATE + HEAD, STATE + OPEN, 24)
      store<u32>(STATE, 1, FEED)
    } else if (first == i32(GT)) {
      out = endHeader(out, start, base + u64(feed) + 1)
    } else {
      takeLine(start, bytes, load<u64>(STATE + OPEN, OPEN_BASES), load<i32>(STATE + OPEN, LAST))
    }
    clearOpen()
    at = feed + 1
  }
  while (at < end) {
    const isHeader = load<u8>(at) == GT
    if (!isHeader && load<u32>(CURRENT, PHASE) == 1) {
      const next = skipEqual(at, end)
      if (next != at) {
        at = next
        continue
      }
    }
    const feed = measure(at, end)
    if (feed == end) {
      extendOpen(at, end)
      break
    }
    if (isHeader) out = endHeader(out, base + u64(at), base + u64(feed) + 1)
    else takeLine(base + u64(at), u64(feed - at), bases, feed == at ? -1 : i32(load<u8>(feed - 1)))
    at = feed + 1
  }
  return u32((out - OUTPUT) / 48)
}

/** Residues that `measure` counted. */
let bases: u64 = 0

function clearOpen(): void {
  store<u64>(STATE + OPEN, 0)
  store<u64>(STATE + OPEN, 0, OPEN_BASES)
  store<i32>(STATE + OPEN, -1, FIRST)
  store<i32>(STATE + OPEN, -1, LAST)
}

/** Adds [from, to), without a line feed and just measured, to the open line. */
function extendOpen(from: usize, to: usize): void {
  if (from == to) return
  const open = STATE + OPEN
  const bytes = load<u64>(open)
  if (!bytes) store<i32>(open, i32(load<u8>(from)), FIRST)
  store<i32>(open, i32(load<u8>(to - 1)), LAST)
  store<u64>(open, bytes + u64(to - from))
  store<u64>(open, load<u64>(open, OPEN_BASES) + bases, OPEN_BASES)
}

/** Writes the header [start, after) and the lines before it, and begins its own. Returns where the next one goes. */
function endHeader(out: usize, start: u64, after: u64): usize {
  if (!load<u32>(STATE, HEADERS)) {
    store<u32>(STATE, 1, HEADERS)
    memory.copy(STATE + LEAD, CURRENT, LINES_SIZE)
  }
  store<f64>(out, f64(start))
  store<f64>(out, f64(after), 8)
  store<f64>(out, f64(load<u64>(CURRENT, RESIDUES)), 16)
  store<f64>(out, f64(load<u64>(CURRENT, WIDTH)), 24)
  store<f64>(out, f64(load<u64>(CURRENT, BASES)), 32)
  store<f64>(out, f64(load<u32>(CURRENT, FLAGS)), 40)
  memory.fill(CURRENT, 0, LINES_SIZE)
  return out + 48
}

/** A line of `bytes` before its line feed. */
function takeLine(start: u64, bytes: u64, residues: u64, last: i32): void {
  const cr = last == CR
  const phase = load<u32>(CURRENT, PHASE)
  if (bytes == u64(cr)) {
    if (phase == 0 && cr) store<u64>(CURRENT, 2, WIDTH)
    store<u32>(CURRENT, 3, PHASE)
    return
  }
  store<u64>(CURRENT, load<u64>(CURRENT, RESIDUES) + residues, RESIDUES)
  const count = load<u64>(CURRENT, COUNT)
  let flags = load<u32>(CURRENT, FLAGS)
  if (residues != bytes - u64(cr)) flags |= MIXED
  if (count == 0) {
    store<u64>(CURRENT, start, START)
    store<u64>(CURRENT, bytes + 1, WIDTH)
    store<u64>(CURRENT, residues, BASES)
    store<u64>(CURRENT, 1, COUNT)
    if (phase != 0) flags |= FAULT
    store<u32>(CURRENT, 1, PHASE)
  } else {
    const width = load<u64>(CURRENT, WIDTH)
    if (phase != 1 || bytes + 1 > width) {
      flags |= FAULT
    } else if (bytes + 1 == width) {
      store<u64>(CURRENT, count + 1, COUNT)
      if (residues != load<u64>(CURRENT, BASES)) flags |= MIXED
    } else {
      store<u32>(CURRENT, 2, PHASE)
    }
  }
  store<u32>(CURRENT, flags, FLAGS)
}

/**
 * Takes in the lines from `at` that are like the first one: as many residues, and the same terminator. Their number
 * is all that changes, so that a genome costs little more than its bytes. Returns where the next line starts.
 */
function skipEqual(at: usize, end: usize): usize {
  const width = usize(load<u64>(CURRENT, WIDTH))
  const residues = usize(load<u64>(CURRENT, BASES))
  const cr = width - residues == 2
  if (residues < 16 || width - residues > 2 || width > end - at) return at
  const first = at
  const lowest = i8x16.splat(LOWEST)
  const spread = i8x16.splat(SPREAD)
  const last = end - width
  while (at <= last) {
    const feed = at + width - 1
    if (load<u8>(feed) != LF || load<u8>(at) == GT) break
    if (cr && i32(load<u8>(feed - 1)) != CR) break
    const stop = at + residues - 16
    // The last sixteen, of which some may be looked at twice.
    let other = i8x16.gt_u(i8x16.sub(v128.load(stop), lowest), spread)
    for (let i = at; i < stop; i += 16) {
      other = v128.or(other, i8x16.gt_u(i8x16.sub(v128.load(i), lowest), spread))
    }
    if (v128.any_true(other)) break
    at = feed + 1
  }
  const lines = u64((at - first) / width)
  store<u64>(CURRENT, load<u64>(CURRENT, COUNT) + lines, COUNT)
  store<u64>(CURRENT, load<u64>(CURRENT, RESIDUES) + lines * u64(residues), RESIDUES)
  return at
}

/** Where the first line feed of [p, end) is, else `end`; `bases` is then how many residues come before. */
function measure(p: usize, end: usize): usize {
  const lf = i8x16.splat(LF)
  const lowest = i8x16.splat(LOWEST)
  const spread = i8x16.splat(SPREAD)
  let total: u64 = 0
  let block = p
  let open = true
  while (open && end - block >= 64) {
    // A lane counts up to 255 of 16 bytes each; as many blocks are 16 320 bytes.
    const stop = min<usize>(block + 64 * 63, end - 63)
    let sum = i8x16.splat(0)
    for (; block < stop; block += 64) {
      const a = v128.load(block)
      const b = v128.load(block, 16)
      const c = v128.load(block, 32)
      const d = v128.load(block, 48)
      const feeds = v128.or(
        v128.or(i8x16.eq(a, lf), i8x16.eq(b, lf)),
        v128.or(i8x16.eq(c, lf), i8x16.eq(d, lf)),
      )
      if (v128.any_true(feeds)) {
        open = false
        break
      }
      sum = i8x16.sub(sum, i8x16.le_u(i8x16.sub(a, lowest), spread))
      sum = i8x16.sub(sum, i8x16.le_u(i8x16.sub(b, lowest), spread))
      sum = i8x16.sub(sum, i8x16.le_u(i8x16.sub(c, lowest), spread))
      sum = i8x16.sub(sum, i8x16.le_u(i8x16.sub(d, lowest), spread))
    }
    const sums = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(sum))
    total += u64(
      i32x4.extract_lane(sums, 0) +
        i32x4.extract_lane(sums, 1) +
        i32x4.extract_lane(sums, 2) +
        i32x4.extract_lane(sums, 3),
    )
  }
  // The line feed, or the end, is in this block, if any is left.
  if (block < end) {
    const feeds = lineFeeds(block)
    let length = end - block
    if (feeds) length = min(length, usize(ctz(feeds)))
    let bits = residueBits(block)
    if (length < 64) bits &= lowBits(u32(length))
    total += popcnt(bits)
    block += length
  }
  bases = total
  return block
}

/** Bit i is set when byte p + i is a residue, for i < 64. */
// @ts-ignore: decorator
@inline
function residueBits(p: usize): u64 {
  const lowest = i8x16.splat(LOWEST)
  const spread = i8x16.splat(SPREAD)
  return (
    u64(u32(i8x16.bitmask(i8x16.le_u(i8x16.sub(v128.load(p), lowest), spread)))) |
    (u64(u32(i8x16.bitmask(i8x16.le_u(i8x16.sub(v128.load(p, 16), lowest), spread)))) << 16) |
    (u64(u32(i8x16.bitmask(i8x16.le_u(i8x16.sub(v128.load(p, 32), lowest), spread)))) << 32) |
    (u64(u32(i8x16.bitmask(i8x16.le_u(i8x16.sub(v128.load(p, 48), lowest), spread)))) << 48)
  )
}
