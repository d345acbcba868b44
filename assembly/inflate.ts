// Inflate (RFC 1951), resumable: input comes in windows at INPUT, output leaves in pieces, and a block
// start can be a stop. Framing (RFC 1952) and file offsets are TypeScript's.

import { INPUT } from './memory'
import { decodeCodes, preparePeriods } from './inflate-codes'
import { forgetTables, readHeader } from './inflate-header'
import {
  AT_BLOCK,
  AT_END,
  BLOCK_START,
  IN_CODES,
  IN_STORED,
  NEED_INPUT,
  OUT,
  OUTPUT_FULL,
  OUT_LIMIT,
  READY,
  STREAM_END,
  State,
  TOUCHED,
  TOUCHED_BITS,
  WINDOW,
  bitPosition,
  need,
  settle,
  take,
} from './inflate-state'
import { prepareTables } from './inflate-tables'

/** 0: symbols are bytes. 1: symbols are u16, and 32768 + i stands for byte i of an unknown window. */
let width: usize = 0
/** Where the output of the last call starts. */
let pieceStart: usize = 0
let blocks: i32 = 0

export function inflateInit(): void {
  prepareTables()
  preparePeriods()
}

/**
 * Starts a new stream at a block header. Its window is empty (`unknown` 0; give one with inflateWindow) or
 * unknown (`unknown` 1), in which case all output is u16 symbols.
 */
export function inflateReset(unknown: i32): void {
  width = usize(unknown)
  State.out = OUT
  pieceStart = OUT
  blocks = 0
  forgetTables()
  inflateMember()
  if (unknown) {
    State.floor = OUT - 2 * WINDOW
    State.watch = State.floor
    for (let i: usize = 0; i < WINDOW; i++) store<u16>(State.floor + (i << 1), u16(WINDOW + i))
  }
  State.next = INPUT
  State.inputEnd = INPUT
}

/** The window is the `length` bytes, at most 32768, that were written just before the output. */
export function inflateWindow(length: i32): void {
  State.floor = OUT - usize(length)
  State.watch = State.floor
}

/** Goes on with a new stream: no window, output after that of the last one. Input is to be set again. */
export function inflateMember(): void {
  State.phase = AT_BLOCK
  State.finalBlock = false
  State.bits = 0
  State.bitCount = 0
  State.floor = State.out
  State.watch = State.out
}

/**
 * Goes on with bytes [start, end) at INPUT. Everything before must have been used (NEED_INPUT); bit offsets
 * are relative to INPUT from here on.
 */
export function inflateInput(start: i32, end: i32): void {
  State.blockBit += (i32(INPUT - State.inputEnd) + start) << 3
  State.next = INPUT + start
  State.inputEnd = INPUT + end
}

/** Skips n < 8 bits: the start of a stream that starts inside a byte. False when there is no input. */
export function inflateSkip(n: i32): bool {
  if (!need(n)) return false
  take(n)
  return true
}

/**
 * Decodes until about `maxOutput` symbols are there (up to 1024 more, or fewer when the buffer is full). Stops at
 * a block start once `minOutput` symbols were made in this call, or when a block that a search would find
 * starts at or after bit `stopBit`. Negative results are errors at inflateBit().
 */
export function inflateRun(maxOutput: i32, minOutput: i32, stopBit: i32): i32 {
  if (State.out > OUT_LIMIT) slide()
  pieceStart = State.out
  const limit = min(pieceStart + (usize(maxOutput) << width), OUT_LIMIT)
  while (true) {
    let status = READY
    if (State.phase == IN_CODES) {
      status = width ? decodeCodes<u16>(limit) : decodeCodes<u8>(limit)
    } else if (State.phase == IN_STORED) {
      status = copyStored(limit)
    } else if (State.phase == AT_END || (State.phase == AT_BLOCK && State.finalBlock)) {
      State.phase = AT_END
      settle(State.bits >> (State.bitCount & 7), State.bitCount & ~7, State.next)
      return STREAM_END
    } else {
      status = readHeader()
      if (status == READY) blocks++
      if (
        status == READY &&
        ((State.findable && State.blockBit >= stopBit) || State.out - pieceStart >= usize(minOutput) << width)
      ) {
        return BLOCK_START
      }
    }
    if (status != READY) return status
  }
}

/** Bytes of a stored block (RFC 1951, 3.2.4). */
function copyStored(limit: usize): i32 {
  while (State.stored > 0 && State.bitCount > 0 && State.out <= limit) {
    put(u8(take(8)))
    State.stored--
  }
  if (State.out > limit) return OUTPUT_FULL
  const room = (limit - State.out >> width) + 1
  const length = min(min(usize(State.stored), State.inputEnd - State.next), room)
  if (width) {
    const end = State.next + length
    while (State.next < end) put(load<u8>(State.next++))
  } else {
    memory.copy(State.out, State.next, length)
    State.out += length
    State.next += length
  }
  State.stored -= u32(length)
  if (State.stored == 0) {
    State.phase = AT_BLOCK
    return READY
  }
  return State.out > limit ? OUTPUT_FULL : NEED_INPUT
}

// @ts-ignore: decorator
@inline
function put(byte: u8): void {
  if (width) store<u16>(State.out, byte)
  else store<u8>(State.out, byte)
  State.out += usize(1) << width
}

/** Moves the newest history in front of OUT. */
function slide(): void {
  const kept = min(State.out - State.floor, WINDOW << width)
  const moved = State.out - OUT
  memory.copy(OUT - kept, State.out - kept, kept)
  State.out = OUT
  State.floor = OUT - kept
  State.watch = max(State.watch - moved, State.floor)
}

/** Makes this place a seek point: from here on, what matches read from before it is noted. */
export function inflateWatch(): void {
  State.watch = State.out
  memory.fill(TOUCHED, 0, WINDOW)
}

/**
 * 4096 bytes: bit i & 7 of byte i >> 3 tells whether a match has read byte i of the seek point's window, of which
 * the last is the newest.
 */
export function inflateTouched(): usize {
  for (let i: usize = 0; i < WINDOW; i += 16) {
    store<u16>(TOUCHED_BITS + (i >> 3), u16(i8x16.bitmask(i8x16.neg(v128.load(TOUCHED + i)))))
  }
  return TOUCHED_BITS
}

/** Where the symbols of the last inflateRun start. */
export function inflatePiece(): usize {
  return pieceStart
}

/** Where the symbols of the last inflateRun end; a window is written so that it ends here. */
export function inflateOut(): usize {
  return State.out
}

/** Symbols of history before inflateOut() that matches may read, at most 32768. */
export function inflateHistory(): i32 {
  return i32(min(State.out - State.floor, WINDOW << width) >> width)
}

/** The next unread bit, relative to INPUT. After STREAM_END it is the start of a byte. */
export function inflateBit(): i32 {
  return bitPosition()
}

/** The first bit of the current block's header, relative to INPUT. */
export function inflateBlockBit(): i32 {
  return State.blockBit
}

/** Whether the current block is one that a search would find. */
export function inflateFindable(): bool {
  return State.findable
}

/** Block headers read since the last inflateReset. */
export function inflateBlocks(): i32 {
  return blocks
}
