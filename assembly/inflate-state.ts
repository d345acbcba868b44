// State of the one decoder that an instance holds, and where its bytes lie (RFC 1951).
//
//   HISTORY (64 KiB) | PIECE (512 KiB) | SLACK
//                    ^ OUT: decoding writes upwards from here, matches read downwards
//
// Symbols are u8, or u16 when the bytes before the start are unknown, so 32 Ki of history take 32 or
// 64 KiB, both ending at OUT. When PIECE is full the newest history moves down in front of OUT: matches
// are always one linear copy, never a ring with a seam. SLACK takes what a fast iteration may write past
// the limit: two literals, a match of 258 and 15 more, two bytes a symbol.

import { INPUT } from './memory'

export const WINDOW: usize = 32768
export const PIECE: usize = 512 * 1024
const SLACK: usize = 1024

const HISTORY: usize = memory.data(65536 + 524288 + 1024, 64)
export const OUT: usize = HISTORY + 2 * WINDOW
/** Decoding pauses once the output pointer is past this. */
export const OUT_LIMIT: usize = OUT + PIECE - SLACK

/** One byte for each of the last seek point's window: whether a match has read it. */
export const TOUCHED: usize = memory.data(32768, 64)
/** The same as bits, once asked for. */
export const TOUCHED_BITS: usize = memory.data(4096, 16)

// What inflateRun returns; TypeScript has the same list in src/core/inflate-status.ts.
export const NEED_INPUT: i32 = 0
export const OUTPUT_FULL: i32 = 1
export const BLOCK_START: i32 = 2
export const STREAM_END: i32 = 3
export const BAD_BLOCK_TYPE: i32 = -1
export const BAD_STORED_LENGTH: i32 = -2
export const BAD_CODE_COUNT: i32 = -3
export const BAD_PRECODE: i32 = -4
export const BAD_REPEAT: i32 = -5
export const NO_END_OF_BLOCK: i32 = -6
export const BAD_LITERAL_CODE: i32 = -7
export const BAD_DISTANCE_CODE: i32 = -8
export const BAD_LITERAL_SYMBOL: i32 = -9
export const BAD_DISTANCE_SYMBOL: i32 = -10
export const DISTANCE_TOO_FAR: i32 = -11
/** Internal: the header is read, go on with the body. */
export const READY: i32 = 100

// Where the decoder stands between calls.
export const AT_BLOCK: i32 = 0
export const AT_STORED_LENGTH: i32 = 1
export const IN_STORED: i32 = 2
export const AT_COUNTS: i32 = 3
export const IN_PRECODE: i32 = 4
export const IN_LENGTHS: i32 = 5
export const IN_CODES: i32 = 6
export const AT_END: i32 = 7

export class State {
  static phase: i32 = 0
  static finalBlock: bool = false
  /** Unread bits, lowest first; bits at and above bitCount are zero. */
  static bits: u64 = 0
  static bitCount: u32 = 0
  static next: usize = 0
  static inputEnd: usize = 0
  static out: usize = 0
  /** Lowest address a match may read: the start of the member, or of the given window. */
  static floor: usize = 0
  /** Matches from below are noted in TOUCHED: the output pointer at the last seek point, or `floor`. */
  static watch: usize = 0
  /** Bytes left in a stored block. */
  static stored: u32 = 0
  /** First bit of the current block header, relative to INPUT; negative when in an earlier window. */
  static blockBit: i32 = 0
  /** Whether a search without context would recognise the current block (see block-finder.ts). */
  static findable: bool = false
}

/** The next unread bit, relative to INPUT; negative when it came with an earlier window. */
export function bitPosition(): i32 {
  return (i32(State.next - INPUT) << 3) - i32(State.bitCount)
}

/** Makes at least n (at most 56) bits available, taking no byte more than needed. */
export function need(n: u32): bool {
  while (State.bitCount < n) {
    if (State.next >= State.inputEnd) return false
    State.bits |= u64(load<u8>(State.next)) << State.bitCount
    State.next++
    State.bitCount += 8
  }
  return true
}

/** The next n bits, which `need` made available. */
export function take(n: u32): u32 {
  const value = u32(State.bits & ((u64(1) << n) - 1))
  State.bits >>= n
  State.bitCount -= n
  return value
}

/**
 * Stores the bit buffer after a loop that refilled whole words, and gives back the bytes it did not use.
 * A stop for lack of input leaves only bits of the unfinished symbol behind, so bytes of an earlier window
 * never have to be given back; the minimum is the guard of that argument.
 */
export function settle(bits: u64, bitCount: u32, next: usize): void {
  const unread = min(bitCount >> 3, u32(next - INPUT))
  bitCount -= unread << 3
  State.next = next - unread
  State.bitCount = bitCount
  State.bits = bits & ((u64(1) << bitCount) - 1)
}
