import { Arena } from './arena.js'
import { powerOfBytes } from './crc-algebra.js'
import { createGzipDecoder, type GzipDecoder, type GzipStep } from './gzip-decoder.js'
import type { GzipPart, LineCount, MarkerPairs, PartPoint, PartSegment, Symbols } from './gzip-part.js'
import { noMembers, noPairs } from './gzip-part.js'
import { type Inflater, WINDOW_SIZE } from './inflater.js'
import type { CoreMemory } from './memory.js'
import { MASK_SIZE, sparseWindow } from './sparse-window.js'

/**
 * Which block starts become seek points: the first block at or after each multiple of `stride` that a
 * search would find, and any block at least `span` after the point before. The rule looks at the stream
 * alone, so cutting it at multiples of `stride` changes no point.
 */
export interface PointRule {
  /** Compressed bytes. */
  readonly stride: number
  /** Decoded bytes. */
  readonly span: number
  /**
   * Every member has at most 64 KiB of data, as in BGZF: the first blocks of members are what a search
   * finds, and no other block becomes a point. Should a member be larger, blocks in it become points, too.
   */
  readonly smallMembers?: boolean | undefined
}

const SMALL_MEMBER = 64 << 10

export interface ChunkOptions {
  readonly name?: string | undefined
  readonly rule: PointRule
  /** The chunk ends at the first block at or after this bit that a search would find; Infinity: never. */
  readonly until: number
  /** Gives the arrays of the part, which is valid until the next chunk is made with it. Default: one of its own. */
  readonly arena?: Arena | undefined
}

/** Where a chunk starts: with a member's header at this byte, or at this bit inside one. */
export type ChunkStart =
  | { readonly offset: number }
  | { readonly bit: number; readonly window: Uint8Array | 'unknown' }

export interface GzipChunk {
  /** Takes the next bytes of the object; true once the chunk is complete and needs no more. */
  push(bytes: Uint8Array): boolean
  /** To be called when the object has ended and `push` wants more. @throws MALFORMED_DATA */
  finish(): void
  /** What is known, once complete. */
  part(): GzipPart
}

export interface DecodedChunk extends GzipChunk {
  /**
   * As `push`, and gives what was decoded, in pieces: views that are valid until the next is asked for. Symbols, when
   * the window is unknown. Iterate to the end before the next push.
   */
  pieces(bytes: Uint8Array): Generator<Uint8Array, boolean, undefined>
}

/**
 * Decodes one chunk, keeping none of its data. The trailers of members are collected, not checked.
 *
 * @throws MALFORMED_DATA (from push, pieces and finish) with the offset
 */
export function createGzipChunk(memory: CoreMemory, start: ChunkStart, options: ChunkOptions): DecodedChunk {
  return new PointedChunk(memory, start, options)
}

/** A seek point that matches may still reach from behind it. */
interface PendingPoint {
  readonly bit: number
  readonly output: number
  readonly lines: LineCount
  readonly symbols: Symbols
  readonly members: number
}

/** A class, as the decoder is: functions made anew for each chunk would have to be optimised anew, too. */
class PointedChunk implements DecodedChunk {
  readonly #memory: CoreMemory
  readonly #rule: PointRule
  readonly #smallMembers: boolean
  readonly #until: number
  readonly #arena: Arena
  /** Decoded bytes after a point from which on any block is the next one. */
  readonly #blockSpan: number
  readonly #decoder: GzipDecoder
  readonly #summary: Summary
  readonly #points: PartPoint[] = []
  readonly #newest: Symbols
  #pending: PendingPoint | undefined
  /** The first bit at or after which a block that a search would find becomes a point. */
  #stride = 0
  #end: number | undefined
  /** Headers read of blocks that the next chunk starts with. */
  #blocksAhead = 0

  constructor(
    memory: CoreMemory,
    start: ChunkStart,
    { name, rule, until, arena = new Arena() }: ChunkOptions,
  ) {
    arena.reset()
    this.#memory = memory
    this.#rule = rule
    this.#smallMembers = rule.smallMembers ?? false
    this.#until = until
    this.#arena = arena
    this.#blockSpan = this.#smallMembers ? rule.span + SMALL_MEMBER : rule.span
    this.#decoder = createGzipDecoder(memory, { name, ...start })
    const unknown = 'window' in start && start.window === 'unknown'
    this.#summary = new Summary(this.#decoder.inflater, arena, unknown)
    this.#newest = this.#summary.room()
    if ('bit' in start) {
      this.#summary.beginMember()
      this.#addPoint(start.bit, true)
    }
  }

  push(bytes: Uint8Array): boolean {
    for (const step of this.#decoder.push(bytes)) if (this.#take(step)) return true
    return false
  }

  *pieces(bytes: Uint8Array): Generator<Uint8Array, boolean, undefined> {
    const { inflater } = this.#decoder
    for (const step of this.#decoder.push(bytes)) {
      if (this.#take(step)) return true
      if (step.kind === 'piece') yield this.#memory.bytes.subarray(inflater.pieceStart, inflater.pieceEnd)
    }
    return false
  }

  /** Whether the chunk ends before what the step begins. */
  #take(step: GzipStep): boolean {
    if (step.kind === 'piece') this.#summary.addPiece()
    else if (step.kind === 'end') this.#summary.endSegment(step)
    else if (step.kind === 'member' ? this.#beginMember() : this.#beginBlock()) return true
    this.#aim()
    return false
  }

  finish(): void {
    this.#decoder.finish()
  }

  part(): GzipPart {
    this.#settlePoint()
    const { lines, last, tail, factors, segments, reach } = this.#summary.close()
    return {
      start: this.#points[0]?.bit ?? 0,
      end: this.#end,
      size: this.#summary.output,
      blocks: this.#memory.kernels.inflateBlocks() - this.#blocksAhead,
      reach,
      points: this.#points,
      lines,
      members: noMembers,
      segments,
      factors,
      last,
      tail,
    }
  }

  /** Whether the chunk ends before this member. */
  #beginMember(): boolean {
    const { bit } = this.#decoder.inflater
    if (this.#smallMembers && this.#pending && bit >= this.#until) {
      this.#end = bit
      return true
    }
    this.#summary.beginMember()
    const isDue = this.#smallMembers && (bit >= this.#stride || this.#sincePoint() >= this.#rule.span)
    if (!this.#pending || isDue) this.#addPoint(bit, true)
    return false
  }

  /** Whether the chunk ends before this block. */
  #beginBlock(): boolean {
    const { blockBit, findable } = this.#decoder.inflater
    const isFound = findable && !this.#smallMembers
    if (isFound && blockBit >= this.#until) {
      this.#end = blockBit
      this.#blocksAhead = 1
      return true
    }
    const isDue = this.#sincePoint() >= this.#blockSpan || (isFound && blockBit >= this.#stride)
    if (isDue) this.#addPoint(blockBit, isFound)
    return false
  }

  /** @param findable whether a search would find the block, so that a chunk may start there */
  #addPoint(bit: number, findable: boolean): void {
    this.#settlePoint()
    const { output, members } = this.#summary
    const lines = this.#summary.takeLines()
    this.#pending = { bit, output, lines, symbols: this.#summary.history(this.#newest), members }
    this.#memory.kernels.inflateWatch()
    const { stride } = this.#rule
    if (findable) this.#stride = (Math.floor(bit / 8 / stride) + 1) * stride * 8
    this.#aim()
  }

  /** A point's window is final once nothing can reach it any more: after 32 KiB, or a member's end. */
  #settlePoint(): void {
    if (!this.#pending) return
    const { bit, output, lines, symbols, members } = this.#pending
    const done = this.#summary.output - output >= WINDOW_SIZE || this.#summary.members > members
    const needed = done ? this.#summary.needed() : undefined
    this.#points.push({ bit, output, lines, window: sparseWindow(this.#arena, symbols, needed) })
  }

  #aim(): void {
    const { stops } = this.#decoder
    stops.bit = this.#smallMembers ? Number.MAX_SAFE_INTEGER : Math.min(this.#stride, this.#until)
    stops.minimum = Math.max(0, this.#blockSpan - this.#sincePoint())
  }

  #sincePoint(): number {
    return this.#summary.output - (this.#pending?.output ?? 0)
  }
}

/** Counts and checksums of the pieces that an inflater gives: of bytes, or of symbols with markers. */
class Summary {
  output = 0
  readonly #inflater: Inflater
  readonly #arena: Arena
  readonly #unknown: boolean
  readonly #segments: PartSegment[] = []
  #last = -1
  #size = 0
  #crc = 0
  #lines = 0
  #lowest = WINDOW_SIZE
  #open = false
  #factors: MarkerPairs = noPairs

  constructor(inflater: Inflater, arena: Arena, unknown: boolean) {
    this.#inflater = inflater
    this.#arena = arena
    this.#unknown = unknown
    if (unknown) inflater.memory.kernels.markersReset()
  }

  /** Members ended so far. */
  get members(): number {
    return this.#segments.length
  }

  beginMember(): void {
    this.#open = true
  }

  addPiece(): void {
    const { pieceStart, pieceEnd, memory } = this.#inflater
    const { kernels, bytes } = memory
    if (this.#unknown) {
      const symbols = (pieceEnd - pieceStart) / 2
      if (symbols > 0) this.#last = (bytes[pieceEnd - 2] ?? 0) | ((bytes[pieceEnd - 1] ?? 0) << 8)
      this.#lines += kernels.markersAdd(pieceStart, symbols)
      this.output += symbols
      this.#size += symbols
    } else {
      const size = pieceEnd - pieceStart
      if (size > 0) this.#last = bytes[pieceEnd - 1] ?? 0
      this.#crc = kernels.crc32(pieceStart, size, this.#crc)
      this.#lines += kernels.countLines(pieceStart, size)
      this.output += size
      this.#size += size
    }
  }

  takeLines(): LineCount {
    const { kernels } = this.#inflater.memory
    const markers = this.#unknown ? this.#pairs(kernels.markersTakeCounts()) : noPairs
    const taken = { literal: this.#lines, markers }
    this.#lines = 0
    return taken
  }

  /** Room for the symbols of a window. */
  room(): Symbols {
    return this.#unknown ? this.#arena.u16(WINDOW_SIZE) : this.#arena.u8(WINDOW_SIZE)
  }

  /** The symbols that matches may reach, in `into`, which has room for a window. */
  history(into: Symbols): Symbols {
    const { bytes } = this.#inflater.memory
    const { start, end } = this.#inflater.history()
    const symbols = this.#unknown
      ? new Uint16Array(bytes.buffer, start, (end - start) / 2)
      : bytes.subarray(start, end)
    into.set(symbols)
    return into.subarray(0, symbols.length)
  }

  /** Which of them matches did reach: the mask of a `SparseWindow`, valid until the inflater goes on. */
  needed(): Uint8Array {
    const { kernels, bytes } = this.#inflater.memory
    const at = kernels.inflateTouched()
    return bytes.subarray(at, at + MASK_SIZE)
  }

  /** The first segment is the only one in which markers occur. */
  endSegment(trailer: PartSegment['trailer']): void {
    const { kernels } = this.#inflater.memory
    const unknown = this.#unknown
    if (unknown && this.#segments.length === 0 && this.#size > 0) {
      this.#factors = this.#pairs(kernels.markersFactors(powerOfBytes(this.#size - 1)))
    }
    const crc = (unknown ? kernels.markersCrc() : this.#crc) >>> 0
    this.#segments.push({ size: this.#size, crc, trailer })
    if (unknown) kernels.markersNextMember()
    this.#crc = 0
    this.#size = 0
    this.#open = false
  }

  close(): Pick<GzipPart, 'lines' | 'last' | 'tail' | 'factors' | 'segments' | 'reach'> {
    const lines = this.takeLines()
    const tail = this.#open ? this.history(this.room()) : this.room().subarray(0, 0)
    if (this.#open) this.endSegment(undefined)
    return {
      lines,
      last: this.#last,
      tail,
      factors: this.#factors,
      segments: this.#segments,
      reach: WINDOW_SIZE - this.#lowest,
    }
  }

  #pairs(count: number): MarkerPairs {
    const { output32 } = this.#inflater.memory
    const markers = this.#arena.u16(count)
    const values = this.#arena.u32(count)
    for (let k = 0; k < count; k++) {
      markers[k] = output32[2 * k] as number
      values[k] = output32[2 * k + 1] as number
    }
    // They ascend.
    if (count > 0) this.#lowest = Math.min(this.#lowest, markers[0] as number)
    return { markers, values }
  }
}
