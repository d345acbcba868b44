// What is needed to know of output that still contains markers: symbols 32768 + i that stand for byte i of
// an unknown window. Exact once the window is known, whatever it is:
//
//   line feeds   those among the literals, and how often each marker occurs
//   CRC-32       that of the output with markers as zeros, and for each marker a factor: the CRC is linear,
//                so a byte v that occurs at p of n adds v * x^32 * x^(8 (n - 1 - p)); see src/core/crc-algebra.ts
//
// A position is not known from the end before the end is known, so the factor is summed as x^(-8 p), in
// blocks: x^(-8 q) comes from a table for q inside a block, and the block's own power is multiplied once
// for each marker that occurs in it.

import { countLines } from './lines'
import { crc32 } from './crc32'
import { ONE, inversePowers, setFactor, timesFactor } from './gf2'
import { WINDOW } from './inflate-state'
import { OUTPUT } from './memory'

/**
 * Symbols in a block. Its table is read in order wherever markers occur, so it must leave room in the
 * second-level cache; a shorter block would be merged more often.
 */
const BLOCK: u32 = 1 << 16
const POWERS: usize = memory.data(4 * ((1 << 16) + 1), 64)
/** By marker, in this block: count in the upper half, sum of powers in the lower. */
const SLOTS: usize = memory.data(8 * 32768, 64)
/** One byte for each 8 slots: whether one of them is in use. In a long chunk few are. */
const USED: usize = memory.data(32768 / 8, 64)
/** By marker: occurrences since they were last taken. */
const COUNTS: usize = memory.data(4 * 32768, 64)
/** By marker: sum of x^(-8 p) over all blocks before this one. */
const FACTORS: usize = memory.data(4 * 32768, 64)
/** A piece as bytes, markers as zeros. */
const PLAIN: usize = memory.data(65536 + 2048, 64)

let prepared: bool = false
let crc: u32 = 0
/** Symbols in this block so far, and x^(-8 p) for the first of them. */
let filled: u32 = 0
let power: u32 = ONE

export function markersReset(): void {
  if (!prepared) {
    prepared = true
    inversePowers(POWERS, BLOCK + 1)
  }
  memory.fill(SLOTS, 0, 8 * WINDOW)
  memory.fill(USED, 0, WINDOW / 8)
  memory.fill(COUNTS, 0, 4 * WINDOW)
  memory.fill(FACTORS, 0, 4 * WINDOW)
  filled = 0
  power = ONE
  crc = 0
}

/**
 * Takes in n symbols at p, at most 66 Ki; up to 126 bytes more may be read. Returns the line feeds among the
 * literals.
 */
export function markersAdd(p: usize, n: u32): u32 {
  for (let i: u32 = 0; i < n; ) {
    if (filled == BLOCK) merge()
    const length = min(n - i, BLOCK - filled)
    scan(p + (i << 1), length, PLAIN + i)
    filled += length
    i += length
  }
  crc = crc32(PLAIN, n, crc)
  return countLines(PLAIN, n)
}

/** Writes n symbols at p as bytes to `plain` (and up to 63 more), and adds their markers to SLOTS. */
function scan(p: usize, n: u32, plain: usize): void {
  const powers = POWERS + (filled << 2)
  for (let i: u32 = 0; i < n; i += 64) {
    let markers: u64 = 0
    const symbols = p + (i << 1)
    for (let k: u32 = 0; k < 4; k++) {
      const a = v128.load(symbols + (k << 5))
      const b = v128.load(symbols + (k << 5), 16)
      // Markers are negative as i16: one narrowing turns them into zeros, the other keeps their sign.
      v128.store(plain + i + (k << 4), i8x16.narrow_i16x8_u(a, b))
      markers |= u64(u32(i8x16.bitmask(i8x16.narrow_i16x8_s(a, b)))) << u64(k << 4)
    }
    if (n - i < 64) markers &= (u64(1) << u64(n - i)) - 1
    while (markers) {
      const at = u32(ctz(markers))
      markers &= markers - 1
      const marker = u32(load<u16>(symbols + (at << 1))) & 0x7fff
      store<u8>(marker >> 3, 1, USED)
      const sum = load<u64>(marker << 3, SLOTS) ^ u64(load<u32>(powers + ((i + at) << 2)))
      store<u64>(marker << 3, sum + (u64(1) << 32), SLOTS)
    }
  }
}

/** Adds this block to COUNTS and FACTORS, and begins the next. */
function merge(): void {
  setFactor(power)
  for (let group: u32 = 0; group < u32(WINDOW) / 8; group++) {
    if (!load<u8>(group, USED)) continue
    for (let marker = group << 3; marker < (group + 1) << 3; marker++) mergeSlot(marker)
    memory.fill(SLOTS + (group << 6), 0, 64)
  }
  memory.fill(USED, 0, WINDOW / 8)
  power = timesFactor(load<u32>(POWERS + (filled << 2)))
  filled = 0
}

// @ts-ignore: decorator
@inline
function mergeSlot(marker: u32): void {
  const sum = load<u64>(marker << 3, SLOTS)
  const at = marker << 2
  store<u32>(at, load<u32>(at, COUNTS) + u32(sum >> 32), COUNTS)
  store<u32>(at, load<u32>(at, FACTORS) ^ timesFactor(u32(sum)), FACTORS)
}

/** CRC-32 so far, markers as zeros. */
export function markersCrc(): u32 {
  return crc
}

/** The next member: no marker can occur in it. */
export function markersNextMember(): void {
  crc = 0
}

/** Writes (marker, count) as u32 pairs at OUTPUT for all that occurred since last asked; returns how many. */
export function markersTakeCounts(): u32 {
  merge()
  let out = OUTPUT
  for (let marker: u32 = 0; marker < u32(WINDOW); marker++) {
    const count = load<u32>(marker << 2, COUNTS)
    if (count == 0) continue
    store<u32>(marker << 2, 0, COUNTS)
    store<u32>(out, marker)
    store<u32>(out, count, 4)
    out += 8
  }
  return u32((out - OUTPUT) >> 3)
}

/**
 * Writes (marker, factor) as u32 pairs at OUTPUT for all with a factor other than zero; returns how many.
 * With `last` = x^(8 (n - 1)), n the symbols so far, a factor is the sum of x^(8 (n - 1 - p)).
 */
export function markersFactors(last: u32): u32 {
  merge()
  setFactor(last)
  let out = OUTPUT
  for (let marker: u32 = 0; marker < u32(WINDOW); marker++) {
    const sum = load<u32>(marker << 2, FACTORS)
    if (sum == 0) continue
    store<u32>(out, marker)
    store<u32>(out, timesFactor(sum), 4)
    out += 8
  }
  return u32((out - OUTPUT) >> 3)
}
