import { Arena } from './arena.js'
import { powerOfBytes } from './crc-algebra.js'
import { createGzipDecoder } from './gzip-decoder.js'
import type { GzipPart, LineCount, MarkerPairs, PartPoint, PartSegment } from './gzip-part.js'
import { noPairs } from './gzip-part.js'
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
  const { rule, until, arena = new Arena() } = options
  const { smallMembers = false } = rule
  arena.reset()
  /** Decoded bytes after a point from which on any block is the next one. */
  const blockSpan = smallMembers ? rule.span + SMALL_MEMBER : rule.span
  const decoder = createGzipDecoder(memory, { name: options.name, ...start })
  const unknown = 'window' in start && start.window === 'unknown'
  const summary = new Summary(decoder.inflater, arena, unknown)
  const points: PartPoint[] = []
  const newest = arena.u16(WINDOW_SIZE)
  let pending:
    | { bit: number; output: number; lines: LineCount; symbols: Uint16Array; members: number }
    | undefined
  let stride = 0
  let end: number | undefined
  /** Headers read of blocks that the next chunk starts with. */
  let blocksAhead = 0

  /** @param findable whether a search would find the block, so that a chunk may start there */
  function addPoint(bit: number, findable: boolean): void {
    settlePoint()
    const { output, members } = summary
    pending = { bit, output, lines: summary.takeLines(), symbols: summary.history(newest), members }
    decoder.inflater.memory.kernels.inflateWatch()
    if (findable) stride = (Math.floor(bit / 8 / rule.stride) + 1) * rule.stride * 8
    aim()
  }

  /** A point's window is final once nothing can reach it any more: after 32 KiB, or a member's end. */
  function settlePoint(): void {
    if (!pending) return
    const { bit, output, lines, symbols, members } = pending
    const done = summary.output - output >= WINDOW_SIZE || summary.members > members
    points.push({
      bit,
      output,
      lines,
      window: sparseWindow(arena, symbols, done ? summary.needed() : undefined),
    })
  }

  function aim(): void {
    decoder.stops.bit = smallMembers ? Number.MAX_SAFE_INTEGER : Math.min(stride, until)
    decoder.stops.minimum = Math.max(0, blockSpan - sincePoint())
  }

  function sincePoint(): number {
    return summary.output - (pending?.output ?? 0)
  }

  function* pieces(bytes: Uint8Array): Generator<Uint8Array, boolean, undefined> {
    for (const step of decoder.push(bytes)) {
      if (step.kind === 'piece') {
        summary.addPiece()
        const { pieceStart, pieceEnd } = decoder.inflater
        yield memory.bytes.subarray(pieceStart, pieceEnd)
      } else if (step.kind === 'end') summary.endSegment(step)
      else if (step.kind === 'member') {
        const { bit } = decoder.inflater
        if (smallMembers && pending && bit >= until) {
          end = bit
          return true
        }
        summary.beginMember()
        if (!pending) addPoint(bit, true)
        else if (smallMembers && (bit >= stride || sincePoint() >= rule.span)) addPoint(bit, true)
      } else {
        const { blockBit } = decoder.inflater
        const findable = decoder.inflater.findable && !smallMembers
        if (findable && blockBit >= until) {
          end = blockBit
          blocksAhead = 1
          return true
        }
        if (sincePoint() >= blockSpan || (findable && blockBit >= stride)) addPoint(blockBit, findable)
      }
      aim()
    }
    return false
  }

  function push(bytes: Uint8Array): boolean {
    const steps = pieces(bytes)
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
    }
  }

  function part(): GzipPart {
    settlePoint()
    const { lines, last, tail, factors, segments, reach } = summary.close()
    return {
      start: points[0]?.bit ?? 0,
      end,
      size: summary.output,
      blocks: decoder.inflater.memory.kernels.inflateBlocks() - blocksAhead,
      reach,
      points,
      lines,
      segments,
      factors,
      last,
      tail,
    }
  }

  if ('bit' in start) {
    summary.beginMember()
    addPoint(start.bit, true)
  }
  return { push, pieces, finish: () => decoder.finish(), part }
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

  /** The symbols that matches may reach, in `into`, which has room for a window. */
  history(into: Uint16Array): Uint16Array {
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
    const tail = this.#open ? this.history(this.#arena.u16(WINDOW_SIZE)) : this.#arena.u16(0)
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
