// Whole blocks of BGZF (SAM specification, 4.1), many in one call: each is inflated, checked against its trailer, and its
// lines are counted, while its content is in the cache. What is odd is left to those who can say what is wrong with it.
//
// At `bgzfTable()` lies an entry of five u32 for each block:
//
//   0 START .. in: where its deflate data starts, relative to INPUT
//   4 STOP ... in: where its trailer starts (RFC 1952, 2.3.1), of which all lies in INPUT
//   8 LINES .. line feeds
//  12 BLOCKS . deflate blocks
//  16 LAST ... its last byte, or NONE when it is empty

import { crc32 } from './crc32'
import { inflateBlocks, inflateInput, inflateReset, inflateRun } from './inflate'
import { OUT, STREAM_END, State } from './inflate-state'
import { countLines } from './lines'
import { INPUT } from './memory'

const START: usize = 0
const STOP: usize = 4
const LINES: usize = 8
const BLOCKS: usize = 12
const LAST: usize = 16
const ENTRY: usize = 20

/** Entries there is room for. */
const MOST: i32 = 4096
const TABLE: usize = memory.data(20 * 4096, 16)

const LARGEST: i32 = 65536
const NEVER: i32 = i32.MAX_VALUE
const NONE: u32 = u32.MAX_VALUE

export function bgzfTable(): usize {
  return TABLE
}

export function bgzfCapacity(): i32 {
  return MOST
}

/** How many of the first `count` blocks are as they should be, up to the first that is not. */
export function bgzfRun(count: i32): i32 {
  for (let i: i32 = 0; i < count; i++) {
    const entry = TABLE + usize(i) * ENTRY
    const stop = INPUT + load<u32>(entry, STOP)
    inflateReset(0)
    inflateInput(load<i32>(entry, START), load<i32>(entry, STOP))
    // To the end in one go, unless it has more than a block may have.
    if (inflateRun(LARGEST, NEVER, NEVER) != STREAM_END) return i
    const size = u32(State.out - OUT)
    if (size > u32(LARGEST) || State.next != stop || State.bitCount != 0) return i
    if (size != load<u32>(stop, 4) || crc32(OUT, size, 0) != load<u32>(stop)) return i
    store<u32>(entry, countLines(OUT, size), LINES)
    store<u32>(entry, inflateBlocks(), BLOCKS)
    store<u32>(entry, size ? u32(load<u8>(State.out - 1)) : NONE, LAST)
  }
  return count
}
