// The symbols of a compressed block (RFC 1951, 3.2.3): a fast loop while at least FAST_INPUT bytes of input
// are left, and a careful one that takes no bit too many. T is u8, or u16 when the history is unknown.

import {
  AT_BLOCK,
  BAD_DISTANCE_SYMBOL,
  BAD_LITERAL_SYMBOL,
  DISTANCE_TOO_FAR,
  NEED_INPUT,
  OUTPUT_FULL,
  READY,
  State,
  TOUCHED,
  WINDOW,
  settle,
} from './inflate-state'
import {
  AFTER_LITERAL,
  BASES,
  DISTANCES,
  DISTANCE_BITS,
  DISTANCE_POINTER,
  DISTANCE_SPECIAL,
  END_OF_BLOCK,
  EXTRA,
  LENGTHS,
  LITERAL,
  LITERALS,
  LITERAL_BITS,
  POINTER,
  SHIFT,
  SPECIAL,
} from './inflate-tables'

const LITERAL_MASK: u64 = (1 << LITERAL_BITS) - 1
const DISTANCE_MASK: u64 = (1 << DISTANCE_BITS) - 1
/** Where the next bits are in a table, in bytes, with SHIFT bits below them. */
const LITERAL_PLACE: u32 = u32(LITERAL_MASK) << SHIFT
const DISTANCE_PLACE: u32 = u32(DISTANCE_MASK) << SHIFT
/** What an entry has once all bits of a length are in it. */
const WHOLE_LENGTH: u32 = 0x01ff003f
/** An iteration refills at most twice, 7 bytes each, and the second load reads 8. */
const FAST_INPUT: usize = 24

/** For a period of p bytes: p * 16 holds i mod p, and STEPS how far 16 bytes advance in whole periods. */
const PERIODS: usize = memory.data(16 * 16, 16)
const STEPS: usize = memory.data(16, 16)

export function preparePeriods(): void {
  for (let period: u32 = 1; period < 16; period++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(PERIODS + (period << 4) + i, u8(i % period))
    store<u8>(STEPS + period, u8(16 - (16 % period)))
  }
}

// @ts-ignore: decorator
@inline
function lowBits(value: u64, count: u32): u64 {
  return value & ((u64(1) << u64(count)) - 1)
}

/** What follows the code of an entry, with nothing below the next bit. */
// @ts-ignore: decorator
@inline
function extraBits(bits: u64, entry: u32): u32 {
  return u32(bits >> u64((entry >> 8) - SHIFT))
}

// @ts-ignore: decorator
@inline
function put<T>(out: usize, entry: u32): void {
  if (sizeof<T>() == 1) store<u8>(out, u8(entry >> 16))
  else store<u16>(out, u16((entry >> 16) & 255))
}

/**
 * Bytes that a refill takes in, with `count` bits there: as many as have room in 63 bits. Two ways to say so; the compiler
 * finds better registers for one with bytes, for the other with symbols.
 */
// @ts-ignore: decorator
@inline
function wholeBytes<T>(count: u32): u32 {
  return sizeof<T>() == 1 ? 7 - ((count >> 3) & 7) : (~count >> 3) & 7
}

/** Whether either pointer is past its end. One branch, in half the instructions of two comparisons. */
// @ts-ignore: decorator
@inline
function isPast(next: usize, fastEnd: usize, out: usize, limit: usize): bool {
  return i32((fastEnd - next) | (limit - out)) < 0
}

/** Copies from `from` up to `end`; may write 15 symbols more. The two may overlap (RFC 1951, 3.2.3). */
// @ts-ignore: decorator
@inline
function copyMatch<T>(out: usize, from: usize, end: usize): void {
  const period = u32(out - from)
  if (period >= 16) {
    do {
      v128.store(out, v128.load(from))
      // Matches are short, but many have more than 16 bytes of symbols.
      if (sizeof<T>() == 2) v128.store(out, v128.load(from, 16), 16)
      out += 16 * sizeof<T>()
      from += 16 * sizeof<T>()
    } while (out < end)
  } else {
    const pattern = i8x16.swizzle(v128.load(from), v128.load(PERIODS + (period << 4)))
    const step: usize = load<u8>(STEPS + period)
    do {
      v128.store(out, pattern)
      out += step
    } while (out < end)
  }
}

/**
 * A match reads from before the last seek point: notes which bytes of that point's window it needs. False
 * when it reads from before the member or the given window. Kept out of line: it is rare.
 */
function touch(from: usize, bytes: usize, width: usize): bool {
  if (from < State.floor) return false
  const origin = State.watch - (WINDOW << width)
  const stop = min(from + bytes, State.watch)
  for (let p = from; p < stop; p += 1 << width) store<u8>(TOUCHED + ((p - origin) >> width), 1)
  return true
}

/** Decodes symbols until the block ends (READY), input is short, or the output pointer passes `limit`. */
export function decodeCodes<T>(limit: usize): i32 {
  const width: usize = sizeof<T>() - 1
  const watch = State.watch
  const inputEnd = State.inputEnd
  const fastEnd = inputEnd - FAST_INPUT
  let bits = State.bits
  let count = State.bitCount
  let next = State.next
  let out = State.out
  let status = READY

  if (next <= fastEnd && out <= limit) {
    // There is room: what came before left 55 bits at most, one symbol's 48 and part of a byte.
    bits <<= SHIFT
    count += SHIFT
    bits |= load<u64>(next) << u64(count)
    next += wholeBytes<T>(count)
    count |= 56
    let entry = load<u32>(u32(bits) & LITERAL_PLACE, LITERALS)
    // A refill makes 62 bits right, whatever `count` then says: those above are of the next byte. Of them a distance
    // takes 28, a literal and a length that the root sees 11 each, which leaves 12 for a lookup; then comes the next
    // refill. Only the low six bits of `count` mean anything in here; the entries' upper bits are never masked.
    while (true) {
      if (i32(entry) < 0) {
        bits >>= u64(entry)
        count -= entry
        put<T>(out, entry)
        out += sizeof<T>()
        entry = load<u32>(u32(bits) & LITERAL_PLACE, LITERALS)
        if (i32(entry) < 0) {
          bits >>= u64(entry)
          count -= entry
          put<T>(out, entry)
          out += sizeof<T>()
          bits |= load<u64>(next) << u64(count)
          next += wholeBytes<T>(count)
          count |= 56
          entry = load<u32>(u32(bits) & LITERAL_PLACE, LITERALS)
          if (isPast(next, fastEnd, out, limit)) break
          continue
        }
      }
      if (entry & SPECIAL) {
        bits |= load<u64>(next) << u64(count)
        next += wholeBytes<T>(count)
        count |= 56
        if (entry & POINTER) {
          const index = ((entry >> 16) & 0xfff) + u32(lowBits(bits >> (LITERAL_BITS + SHIFT), entry >> 8))
          entry = load<u32>(index << 2, LITERALS)
          if (i32(entry) < 0) {
            bits >>= u64(entry)
            count -= entry
            put<T>(out, entry)
            out += sizeof<T>()
            entry = load<u32>(u32(bits) & LITERAL_PLACE, LITERALS)
            if (isPast(next, fastEnd, out, limit)) break
            bits |= load<u64>(next) << u64(count)
            next += wholeBytes<T>(count)
            count |= 56
            continue
          }
        }
        if (entry & SPECIAL) {
          if (!(entry & EXTRA)) break
          entry = (entry & WHOLE_LENGTH) + (extraBits(lowBits(bits >> SHIFT, entry), entry) << 16)
        }
      }
      // Without a branch: whether there is a literal is hard to foresee. What is written for none, the match overwrites.
      if (sizeof<T>() == 1) store<u8>(out, u8(entry >> 8))
      else store<u16>(out, u16((entry >> 8) & 255))
      out += usize((entry >> 6) & 1) << width
      bits >>= u64(entry)
      count -= entry
      let distanceEntry = load<u32>(u32(bits) & DISTANCE_PLACE, DISTANCES)
      // While the table is looked up.
      bits |= load<u64>(next) << u64(count)
      next += wholeBytes<T>(count)
      count |= 56
      if (distanceEntry & DISTANCE_SPECIAL) {
        if (distanceEntry & DISTANCE_POINTER) {
          const index = (distanceEntry >> 16) + u32(lowBits(bits >> (DISTANCE_BITS + SHIFT), distanceEntry >> 8))
          distanceEntry = load<u32>(index << 2, DISTANCES)
        }
        if (distanceEntry & DISTANCE_SPECIAL) {
          status = BAD_DISTANCE_SYMBOL
          break
        }
      }
      const base = distanceEntry >> 16
      const distance = load<u32>(base, BASES) + (u32(bits >> u64(distanceEntry >> 8)) & load<u32>(base, BASES + 4))
      const from = out - (usize(distance) << width)
      const end = out + (usize(entry >> 16) << width)
      // Nested: of one condition the compiler makes a value first, which costs more than the rest of the check.
      if (from < watch) {
        if (!touch(from, end - out, width)) {
          status = DISTANCE_TOO_FAR
          break
        }
      }
      bits >>= u64(distanceEntry)
      count -= distanceEntry
      // The next lookup overlaps the copy.
      entry = load<u32>(u32(bits) & LITERAL_PLACE, LITERALS)
      copyMatch<T>(out, from, end)
      out = end
      if (isPast(next, fastEnd, out, limit)) break
    }
    settle(bits >> SHIFT, (count - SHIFT) & 63, next)
    bits = State.bits
    count = State.bitCount
    next = State.next
  }

  while (status == READY) {
    if (out > limit) {
      status = OUTPUT_FULL
      break
    }
    // Missing bits read as zero; an entry that fits into the bits at hand is the true one.
    let entry = load<u32>((u32(bits) & u32(LITERAL_MASK)) << 2, LITERALS)
    if (entry & SPECIAL && i32(entry) >= 0 && entry & POINTER) {
      const index = ((entry >> 16) & 0xfff) + u32(lowBits(bits >> LITERAL_BITS, entry >> 8))
      entry = load<u32>(index << 2, LITERALS)
    }
    // One symbol after the other: bits may end between the two.
    if (entry & AFTER_LITERAL) {
      const literal = (entry >> 8) & 255
      entry = LITERAL | (literal << 16) | u32(load<u8>(LENGTHS + literal))
    }
    const used = entry & 63
    if (used <= count) {
      if (i32(entry) < 0) {
        bits >>= u64(used)
        count -= used
        put<T>(out, entry)
        out += sizeof<T>()
        continue
      }
      if (entry & SPECIAL && !(entry & EXTRA)) {
        if (entry & END_OF_BLOCK) {
          bits >>= u64(used)
          count -= used
          State.phase = AT_BLOCK
        } else status = BAD_LITERAL_SYMBOL
        break
      }
      const rest = bits >> u64(used)
      const restCount = count - used
      let distanceEntry = load<u32>((u32(rest) & u32(DISTANCE_MASK)) << 2, DISTANCES)
      if (distanceEntry & DISTANCE_SPECIAL && distanceEntry & DISTANCE_POINTER) {
        const index = (distanceEntry >> 16) + u32(lowBits(rest >> DISTANCE_BITS, distanceEntry >> 8))
        distanceEntry = load<u32>(index << 2, DISTANCES)
      }
      const distanceUsed = distanceEntry & 63
      if (distanceUsed <= restCount) {
        if (distanceEntry & DISTANCE_SPECIAL) status = BAD_DISTANCE_SYMBOL
        const base = distanceEntry >> 16
        const distance = load<u32>(base, BASES) + (extraBits(rest, distanceEntry) & load<u32>(base, BASES + 4))
        const length = ((entry & WHOLE_LENGTH) >> 16) + (entry & EXTRA ? extraBits(lowBits(bits, used), entry) : 0)
        const from = out - (usize(distance) << width)
        const end = out + (usize(length) << width)
        if (status == READY && from < watch && !touch(from, end - out, width)) status = DISTANCE_TOO_FAR
        if (status != READY) {
          bits = rest
          count = restCount
          break
        }
        copyMatch<T>(out, from, end)
        out = end
        bits = rest >> u64(distanceUsed)
        count = restCount - distanceUsed
        continue
      }
    }
    if (next >= inputEnd) {
      status = NEED_INPUT
      break
    }
    bits |= u64(load<u8>(next++)) << u64(count)
    count += 8
  }
  State.bits = bits
  State.bitCount = count
  State.next = next
  State.out = out
  return status
}
