// FASTQ, four lines a read: header, sequence, plus line, quality. Which of the four the first line of the input
// is, is not known here. So lines are counted off in four classes, and each class reports what it would mean
// in each role. The first line may have begun before the input and the last may go on after it: both are left
// to the caller. Input is read in place; up to 63 bytes after it may be loaded, never used.
//
// State, little-endian, all u64 unless said. The caller may copy it away and back between calls. "Line i" is
// the i-th complete line that began inside the input, from 0; its offset counts from the start of the input.
// A length leaves out the line feed and a carriage return before it.
//
//   0 POSITION ... bytes so far
//   8 FEEDS ...... line feeds so far
//  16 OPEN ....... bytes since the last line feed; 24 i32 the first of them, 28 i32 the last; -1 for none
//  32 HEAD ....... the same for the bytes before the first line feed
//  48 LINES ...... complete lines that began inside
//  56 RECENT ..... lengths of the last line and the one before
//  72 EARLY ...... offset and length of line 0, then of line 1
// 104 FULL ....... 1 + number of the last line that is not blank; 0 when all are
// 112 CLASSES .... four times:
//       0 SUM ........ of the lengths
//       8 LONGEST .... length
//      16 SHORTEST ... length of a line that is not blank
//      24 BLANK ...... number of the first blank line
//      32 NOT_AT ..... number and offset of the first line that does not start with "@"
//      48 NOT_PLUS ... number and offset of the first line that does not start with "+"
//      64 UNLIKE ..... of the first line whose length differs from that of the line two further on: its number,
//                      the offset of that other line, and both lengths
import { lineFeeds, lowBits } from './lines'

const POSITION: usize = 0
const FEEDS: usize = 8
const OPEN: usize = 16
const HEAD: usize = 32
const LINES: usize = 48
const RECENT: usize = 56
const EARLY: usize = 72
const FULL: usize = 104
const CLASSES: usize = 112
const STATE_SIZE: i32 = 112 + 4 * 96

const SUM: usize = 0
const LONGEST: usize = 8
const SHORTEST: usize = 16
const BLANK: usize = 24
const NOT_AT: usize = 32
const NOT_PLUS: usize = 48
const UNLIKE: usize = 64
const CLASS_SIZE: usize = 96

// Within OPEN and HEAD.
const FIRST: usize = 8
const LAST: usize = 12

const NONE: u64 = u64.MAX_VALUE
const CR: i32 = 13
const AT: i32 = 64
const PLUS: i32 = 43

/** Results of `fastqPhase` that are no class. */
const AMBIGUOUS: i32 = -1
const MALFORMED: i32 = -2

const STATE: usize = memory.data(STATE_SIZE, 16)

/** Where the state is; `fastqReset` is what it begins with. */
export function fastqState(): usize {
  return STATE
}

export function fastqReset(): void {
  memory.fill(STATE, 0, STATE_SIZE)
  clearFragment(STATE + OPEN)
  clearFragment(STATE + HEAD)
  for (let i: u32 = 0; i < 4; i++) {
    const c = classOf(i)
    store<u64>(c, NONE, SHORTEST)
    store<u64>(c, NONE, BLANK)
    store<u64>(c, NONE, NOT_AT)
    store<u64>(c, NONE, NOT_PLUS)
    store<u64>(c, NONE, UNLIKE)
  }
}

/** Takes in the next bytes, [p, p + n). */
export function fastqScan(p: usize, n: u32): void {
  const end = p + n
  let start = p
  for (let block = p; block < end; block += 64) {
    let bits = lineFeeds(block)
    if (end - block < 64) bits &= lowBits(u32(end - block))
    while (bits) {
      const feed = block + usize(ctz(bits))
      bits &= bits - 1
      endLine(p, start, feed)
      start = feed + 1
    }
  }
  extendOpen(start, end)
  store<u64>(STATE, load<u64>(STATE, POSITION) + u64(n), POSITION)
}

/**
 * Which class of lines begins records, by what was scanned: headers start with "@", plus lines with "+", and
 * quality is as long as sequence. AMBIGUOUS when the lines fit more than one, MALFORMED when they fit none.
 * Blank lines at the end decide nothing.
 */
export function fastqPhase(): i32 {
  const full = load<u64>(STATE, FULL)
  let phase = AMBIGUOUS
  let fitting = 0
  for (let i: u32 = 0; i < 4; i++) {
    if (load<u64>(classOf(i), NOT_AT) < full) continue
    if (load<u64>(classOf(i + 2), NOT_PLUS) < full) continue
    if (load<u64>(classOf(i + 1), UNLIKE) != NONE) continue
    phase = i32(i)
    fitting++
  }
  if (fitting == 0) return MALFORMED
  return fitting == 1 ? phase : AMBIGUOUS
}

// @ts-ignore: decorator
@inline
function classOf(line: u32): usize {
  return STATE + CLASSES + usize(line & 3) * CLASS_SIZE
}

function clearFragment(at: usize): void {
  store<u64>(at, 0)
  store<i32>(at, -1, FIRST)
  store<i32>(at, -1, LAST)
}

/** Adds [start, end), without a line feed, to the open line. */
function extendOpen(start: usize, end: usize): void {
  if (start == end) return
  const open = STATE + OPEN
  const length = load<u64>(open)
  if (!length) store<i32>(open, i32(load<u8>(start)), FIRST)
  store<i32>(open, i32(load<u8>(end - 1)), LAST)
  store<u64>(open, length + u64(end - start))
}

/** The open line ends with [start, feed) of the input that begins at `p`. */
// @ts-ignore: decorator
@inline
function endLine(p: usize, start: usize, feed: usize): void {
  const feeds = load<u64>(STATE, FEEDS)
  store<u64>(STATE, feeds + 1, FEEDS)
  const open = STATE + OPEN
  const before = load<u64>(open)
  if (feeds == 0) {
    extendOpen(start, feed)
    memory.copy(STATE + HEAD, open, 16)
    clearFragment(open)
    return
  }
  const length = u64(feed - start)
  const offset = load<u64>(STATE, POSITION) + u64(start - p) - before
  if (before) {
    extendOpen(start, feed)
    takeLine(offset, before + length, load<i32>(open, FIRST), load<i32>(open, LAST))
    clearFragment(open)
  } else if (length) {
    takeLine(offset, length, i32(load<u8>(start)), i32(load<u8>(feed - 1)))
  } else {
    takeLine(offset, 0, -1, -1)
  }
}

function takeLine(offset: u64, bytes: u64, first: i32, last: i32): void {
  const length = bytes - u64(last == CR)
  const line = load<u64>(STATE, LINES)
  store<u64>(STATE, line + 1, LINES)
  const c = classOf(u32(line))
  store<u64>(c, load<u64>(c, SUM) + length, SUM)
  if (length > load<u64>(c, LONGEST)) store<u64>(c, length, LONGEST)
  if (length) {
    if (length < load<u64>(c, SHORTEST)) store<u64>(c, length, SHORTEST)
    store<u64>(STATE, line + 1, FULL)
  } else if (load<u64>(c, BLANK) == NONE) {
    store<u64>(c, line, BLANK)
  }
  if (first != AT && load<u64>(c, NOT_AT) == NONE) {
    store<u64>(c, line, NOT_AT)
    store<u64>(c, offset, NOT_AT + 8)
  }
  if (first != PLUS && load<u64>(c, NOT_PLUS) == NONE) {
    store<u64>(c, line, NOT_PLUS)
    store<u64>(c, offset, NOT_PLUS + 8)
  }
  const twoBefore = load<u64>(STATE, RECENT + 8)
  if (line >= 2) {
    const d = classOf(u32(line) + 2)
    if (length != twoBefore && load<u64>(d, UNLIKE) == NONE) {
      store<u64>(d, line - 2, UNLIKE)
      store<u64>(d, offset, UNLIKE + 8)
      store<u64>(d, twoBefore, UNLIKE + 16)
      store<u64>(d, length, UNLIKE + 24)
    }
  } else {
    const early = STATE + EARLY + (usize(line) << 4)
    store<u64>(early, offset)
    store<u64>(early, length, 8)
  }
  store<u64>(STATE, load<u64>(STATE, RECENT), RECENT + 8)
  store<u64>(STATE, length, RECENT)
}
