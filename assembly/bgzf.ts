// Whole blocks of BGZF (SAM specification, 4.1), many in one call: each is inflated, checked against its trailer, and its
// lines are counted, while its content is in the cache. What is odd is left to those who can say what is wrong with it.
//
// At `bgzfState()` lies what the last call found, each a u32:
//
//   0 NEXT ..... offset of the block it stopped before
//   4 DATA ..... offset of that block's deflate data; meant only when it is DUE
//   8 COUNT .... blocks before it
//  12 CONTENT .. bytes in them, inflated
//  16 LINES .... line feeds in these
//  20 BLOCKS ... deflate blocks
//  24 LAST ..... the last byte, or NONE when there is none
//  28 .......... sizes of each block, as it is stored and inflated
//
// Without `inflate` nothing is known of LINES, BLOCKS and LAST.

import { crc32 } from './crc32'
import { inflateBlocks, inflateInput, inflateReset, inflateRun } from './inflate'
import { OUT, STREAM_END, State } from './inflate-state'
import { countLines } from './lines'
import { INPUT } from './memory'

const NEXT: usize = 0
const DATA: usize = 4
const COUNT: usize = 8
const CONTENT: usize = 12
const LINES: usize = 16
const BLOCKS: usize = 20
const LAST: usize = 24
const SIZES: usize = 28

/** Blocks there is room for in one call. */
const MOST: u32 = 4096
const STATE: usize = memory.data(28 + 8 * 4096, 16)

// What bgzfRun returns; src/core/bgzf-chunk.ts has the same.
/** The rest holds no whole block. */
const MORE: i32 = 0
/** The next block's data starts at `stop` or after, or there is as much content as was asked for. */
const DUE: i32 = 1
/** As many blocks as there is room for. */
const FULL: i32 = 2
/** What follows is no block. */
const NO_BLOCK: i32 = -1
/** The next block is not what its trailer says. */
const DAMAGED: i32 = -2

const LARGEST: i32 = 65536
const NEVER: i32 = i32.MAX_VALUE
const NONE: u32 = u32.MAX_VALUE

/** Bytes of a header as most programs write it, and of the trailer (RFC 1952, 2.3.1). */
const HEADER: u32 = 18
const TRAILER: u32 = 8
/** Gzip's magic, deflate, an extra field and nothing else. */
const MAGIC: u32 = 0x04088b1f

export function bgzfState(): usize {
  return STATE
}

/**
 * Goes through the blocks in [p, p + n), of which the first starts at p, up to one that is not whole, or not as it should
 * be; to the first whose data starts at `stop` or after, relative to p; or after `content` bytes of content.
 */
export function bgzfRun(p: usize, n: u32, stop: u32, content: u32, inflate: bool): i32 {
  let at: u32 = 0
  let data: u32 = 0
  let count: u32 = 0
  let output: u32 = 0
  let lines: u32 = 0
  let blocks: u32 = 0
  let last: u32 = NONE
  let status = MORE
  while (n - at >= HEADER) {
    const block = p + at
    const headerSize = u32(load<u16>(block, 10)) + 12
    const stored = u32(load<u16>(block, 16)) + 1
    // The extra field begins with BC and two bytes of size.
    if (load<u32>(block) != MAGIC || load<u32>(block, 12) != 0x00024342 || headerSize < HEADER) {
      status = NO_BLOCK
      break
    }
    if (stored <= headerSize + TRAILER) {
      status = NO_BLOCK
      break
    }
    data = at + headerSize
    if (data >= stop || output >= content) {
      status = DUE
      break
    }
    if (n - at < stored) break
    if (count == MOST) {
      status = FULL
      break
    }
    const trailer = block + stored - TRAILER
    const size = load<u32>(trailer, 4)
    if (size > u32(LARGEST) || (inflate && !isSound(p + data, trailer))) {
      status = DAMAGED
      break
    }
    if (inflate) {
      lines += countLines(OUT, size)
      blocks += inflateBlocks()
      if (size) last = u32(load<u8>(OUT + size - 1))
    }
    store<u32>(STATE + (count << 3), stored, SIZES)
    store<u32>(STATE + (count << 3), size, SIZES + 4)
    output += size
    at += stored
    count++
  }
  store<u32>(STATE, at, NEXT)
  store<u32>(STATE, data, DATA)
  store<u32>(STATE, count, COUNT)
  store<u32>(STATE, output, CONTENT)
  store<u32>(STATE, lines, LINES)
  store<u32>(STATE, blocks, BLOCKS)
  store<u32>(STATE, last, LAST)
  return status
}

/** Inflates the data from `data` to OUT, and tells whether it ends at the trailer and is what that says. */
function isSound(data: usize, trailer: usize): bool {
  inflateReset(0)
  inflateInput(i32(data - INPUT), i32(trailer - INPUT))
  // To the end in one go, unless it has more than a block may have.
  if (inflateRun(LARGEST, NEVER, NEVER) != STREAM_END) return false
  const size = u32(State.out - OUT)
  if (State.next != trailer || State.bitCount != 0 || size != load<u32>(trailer, 4)) return false
  return crc32(OUT, size, 0) == load<u32>(trailer)
}
