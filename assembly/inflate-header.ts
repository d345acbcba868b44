// Block headers (RFC 1951, 3.2.3 to 3.2.7), resumable after any byte of input.

import {
  AT_COUNTS,
  AT_STORED_LENGTH,
  BAD_BLOCK_TYPE,
  BAD_CODE_COUNT,
  BAD_DISTANCE_CODE,
  BAD_LITERAL_CODE,
  BAD_PRECODE,
  BAD_REPEAT,
  BAD_STORED_LENGTH,
  IN_CODES,
  IN_LENGTHS,
  IN_PRECODE,
  IN_STORED,
  NEED_INPUT,
  NO_END_OF_BLOCK,
  READY,
  State,
  bitPosition,
  need,
  settle,
  take,
} from './inflate-state'
import {
  LENGTHS,
  PRECODES,
  PRECODE_BITS,
  PRECODE_LENGTHS,
  buildDistances,
  buildLiterals,
  buildPrecode,
  usable,
} from './inflate-tables'

let literalCount: u32 = 0
let distanceCount: u32 = 0
let precodeCount: u32 = 0
let lengthsRead: u32 = 0
/** Whether the tables hold the fixed codes, which need no second build. */
let tablesAreFixed: bool = false

/** The order of the precode's lengths, RFC 1951, 3.2.7: 16, 17, 18, 0, then outwards from 8. */
function precodeSymbol(i: u32): u32 {
  if (i < 3) return 16 + i
  if (i == 3) return 0
  return i & 1 ? 8 - ((i - 3) >> 1) : 8 + ((i - 4) >> 1)
}

export function forgetTables(): void {
  tablesAreFixed = false
}

/** Reads on in the header of a block. READY once State.phase is IN_CODES or IN_STORED. */
export function readHeader(): i32 {
  while (true) {
    switch (State.phase) {
      case AT_STORED_LENGTH:
        return storedLength()
      case AT_COUNTS: {
        const status = counts()
        if (status != READY) return status
        break
      }
      case IN_PRECODE: {
        const status = precode()
        if (status != READY) return status
        break
      }
      case IN_LENGTHS:
        return codeLengths()
      default: {
        State.blockBit = bitPosition()
        if (!need(3)) return NEED_INPUT
        State.finalBlock = take(1) != 0
        State.findable = false
        const type = take(2)
        if (type == 3) return BAD_BLOCK_TYPE
        if (type == 1) return fixedCodes()
        State.phase = type == 0 ? AT_STORED_LENGTH : AT_COUNTS
      }
    }
  }
}

function fixedCodes(): i32 {
  if (!tablesAreFixed) {
    memory.fill(LENGTHS, 8, 144)
    memory.fill(LENGTHS + 144, 9, 112)
    memory.fill(LENGTHS + 256, 7, 24)
    memory.fill(LENGTHS + 280, 8, 8)
    buildLiterals(LENGTHS, 288)
    memory.fill(LENGTHS + 288, 5, 32)
    buildDistances(LENGTHS + 288, 32)
    tablesAreFixed = true
  }
  State.phase = IN_CODES
  return READY
}

/** RFC 1951, 3.2.4. The unused bits before LEN may have any value. */
function storedLength(): i32 {
  // A whole number of bytes follows, so waiting for more input keeps the same odd bits in front.
  const odd = State.bitCount & 7
  if (!need(odd + 32)) return NEED_INPUT
  const padding = take(odd)
  const headerEnd = bitPosition()
  const length = take(16)
  if ((length ^ take(16)) != 0xffff) return BAD_STORED_LENGTH
  // A search sees three zero bits before LEN, wherever the header really began. Those bits are a header of
  // the same meaning, so the block is said to start there.
  State.findable = !State.finalBlock && padding >> (odd > 3 ? odd - 3 : 0) == 0
  if (State.findable) State.blockBit = headerEnd - 3
  State.stored = length
  State.phase = IN_STORED
  return READY
}

function counts(): i32 {
  if (!need(14)) return NEED_INPUT
  literalCount = take(5) + 257
  distanceCount = take(5) + 1
  precodeCount = take(4) + 4
  if (literalCount > 286 || distanceCount > 30) return BAD_CODE_COUNT
  memory.fill(PRECODE_LENGTHS, 0, 19)
  lengthsRead = 0
  State.phase = IN_PRECODE
  return READY
}

function precode(): i32 {
  for (; lengthsRead < precodeCount; lengthsRead++) {
    if (!need(3)) return NEED_INPUT
    store<u8>(PRECODE_LENGTHS + precodeSymbol(lengthsRead), u8(take(3)))
  }
  // A precode without codes can only give lengths of zero, so it would fail below without end of block.
  if (buildPrecode() != 0) return BAD_PRECODE
  lengthsRead = 0
  State.phase = IN_LENGTHS
  return READY
}

function codeLengths(): i32 {
  const total = literalCount + distanceCount
  let bits = State.bits
  let bitCount = State.bitCount
  let next = State.next
  const end = State.inputEnd
  let i = lengthsRead
  let status = READY
  while (i < total) {
    if (next + 8 <= end) {
      bits |= load<u64>(next) << u64(bitCount)
      next += (63 - bitCount) >> 3
      bitCount |= 56
    } else {
      while (bitCount < 14 && next < end) {
        bits |= u64(load<u8>(next++)) << u64(bitCount)
        bitCount += 8
      }
    }
    const entry = load<u32>(PRECODES + ((u32(bits) & ((1 << PRECODE_BITS) - 1)) << 2))
    const length = entry & 63
    const symbol = entry >> 16
    const extra: u32 = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7
    if (length + extra > bitCount) {
      status = NEED_INPUT
      break
    }
    if (symbol < 16) {
      store<u8>(LENGTHS + i++, u8(symbol))
    } else {
      const repeat = (symbol == 18 ? 11 : 3) + (u32(bits >> length) & ((1 << extra) - 1))
      if (i + repeat > total || (symbol == 16 && i == 0)) {
        status = BAD_REPEAT
        break
      }
      memory.fill(LENGTHS + i, symbol == 16 ? load<u8>(LENGTHS + i - 1) : 0, repeat)
      i += repeat
    }
    bits >>= u64(length + extra)
    bitCount -= length + extra
  }
  lengthsRead = i
  if (status == NEED_INPUT) {
    State.bits = bits
    State.bitCount = bitCount
    State.next = next
    return NEED_INPUT
  }
  settle(bits, bitCount, next)
  return status == READY ? buildBlock() : status
}

function buildBlock(): i32 {
  tablesAreFixed = false
  if (load<u8>(LENGTHS + 256) == 0) return NO_END_OF_BLOCK
  const literalsLeft = buildLiterals(LENGTHS, literalCount)
  if (!usable(literalsLeft, LENGTHS, literalCount)) return BAD_LITERAL_CODE
  const distanceLengths = LENGTHS + literalCount
  const distancesLeft = buildDistances(distanceLengths, distanceCount)
  if (!usable(distancesLeft, distanceLengths, distanceCount)) return BAD_DISTANCE_CODE
  State.findable = !State.finalBlock && literalsLeft == 0 && distancesLeft == 0
  State.phase = IN_CODES
  return READY
}
