import { BGZF_HEADER, bgzfHeader } from './bgzf-search.js'
import type { ChunkOptions, GzipChunk } from './gzip-chunk.js'
import { type GzipPart, noPairs, type PartPoint, type PartSegment } from './gzip-part.js'
import { malformed } from './inflate-status.js'
import type { CoreMemory } from './memory.js'
import { emptyWindow } from './sparse-window.js'

const TRAILER = 8
/** Compressed bytes collected before they are looked at: some blocks, which the cache holds. */
const BATCH = 256 << 10

/** Members of an entry of the kernel's table (assembly/bgzf.ts), each a u32. */
const ENTRY = 5
const NONE = 0xffffffff

/** A whole block in the bytes collected. */
interface Block {
  /** Offsets there: of the block, of its deflate data, and of what follows it. */
  readonly start: number
  readonly data: number
  readonly end: number
}

/**
 * The structure of a chunk of BGZF (SAM specification, 4.1). With `memory`, each block is inflated and must be what its
 * header and trailer say, and lines and deflate blocks are counted. Without, nothing is inflated: sizes and checksums are
 * what the trailers promise.
 *
 * @param offset of the first byte pushed, at which a block starts
 * @param memory an instance that serves nothing else meanwhile
 * @throws MALFORMED_DATA (from push and finish) when something else than such blocks follows; not always with what is wrong
 * with it, and where: `createGzipChunk` tells
 */
export function createBgzfChunk(offset: number, options: ChunkOptions, memory?: CoreMemory): GzipChunk {
  return new BlockChunk(offset, options, memory)
}

/** A class, as all chunks are. */
class BlockChunk implements GzipChunk {
  readonly #name: string
  readonly #rule: ChunkOptions['rule']
  readonly #until: number
  readonly #memory: CoreMemory | undefined
  readonly #table: Uint32Array
  /** Collected bytes: from the start of a block on. */
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #held = 0
  /** Offset in the object of the first of them. */
  #base: number
  #output = 0
  #blocks = 0
  #lines = 0
  #last = -1
  #end: number | undefined
  /** The first bit at or after which a block becomes a point, and the output before the last point. */
  #stride = 0
  #pointOutput = 0
  readonly #points: PartPoint[] = []
  readonly #segments: PartSegment[] = []

  constructor(
    offset: number,
    { name = 'the object', rule, until }: ChunkOptions,
    memory: CoreMemory | undefined,
  ) {
    this.#name = name
    this.#rule = rule
    this.#until = until
    this.#memory = memory
    this.#base = offset
    this.#bytes = memory ? memory.input.subarray(0, BATCH) : new Uint8Array(BATCH)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, BATCH)
    this.#table = memory
      ? new Uint32Array(
          memory.bytes.buffer,
          memory.kernels.bgzfTable(),
          memory.kernels.bgzfCapacity() * ENTRY,
        )
      : new Uint32Array(0)
  }

  push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + BATCH - this.#held)
      this.#bytes.set(taken, this.#held)
      this.#held += taken.length
      at += taken.length
      if (this.#held === BATCH && this.#takeBlocks()) return true
    }
    return this.#takeBlocks()
  }

  finish(): void {
    if (this.#held > 0) throw this.#malformed('ends inside the BGZF block', this.#base)
    if (this.#points.length === 0) throw this.#malformed('has no BGZF block', this.#base)
  }

  part(): GzipPart {
    return {
      start: this.#points[0]?.bit ?? 0,
      end: this.#end,
      size: this.#output,
      blocks: this.#blocks,
      reach: 0,
      points: this.#points,
      lines: { literal: this.#lines, markers: noPairs },
      segments: this.#segments,
      factors: noPairs,
      last: this.#last,
      tail: new Uint8Array(0),
    }
  }

  /** Goes through the whole blocks that were collected. True when the next chunk starts after them. */
  #takeBlocks(): boolean {
    let at = 0
    for (;;) {
      const blocks = this.#wholeBlocks(at)
      if (blocks.length === 0) break
      this.#check(blocks)
      for (let i = 0; i < blocks.length; i++) this.#pass(blocks[i] as Block, i)
      at = (blocks.at(-1) as Block).end
    }
    if (this.#end !== undefined) return true
    this.#bytes.copyWithin(0, at, this.#held)
    this.#held -= at
    this.#base += at
    return false
  }

  /** The whole blocks from `at` on, as many as are checked at once. Notes the end of the chunk. */
  #wholeBlocks(at: number): readonly Block[] {
    const blocks: Block[] = []
    const most = this.#memory?.kernels.bgzfCapacity() ?? Number.POSITIVE_INFINITY
    for (let start = at; this.#held - start >= BGZF_HEADER && blocks.length < most; ) {
      const header = bgzfHeader(this.#bytes, start)
      if (!header) throw this.#malformed('has no BGZF block', this.#base + start)
      const data = start + header.headerSize
      const bit = (this.#base + data) * 8
      if (bit >= this.#until && (this.#points.length > 0 || blocks.length > 0)) {
        this.#end = bit
        break
      }
      const end = start + header.blockSize
      if (end > this.#held) break
      blocks.push({ start, data, end })
      start = end
    }
    return blocks
  }

  #check(blocks: readonly Block[]): void {
    if (!this.#memory) return
    for (const [i, { data, end }] of blocks.entries()) {
      this.#table[i * ENTRY] = data
      this.#table[i * ENTRY + 1] = end - TRAILER
    }
    const good = this.#memory.kernels.bgzfRun(blocks.length)
    const bad = blocks[good]
    if (bad) throw this.#malformed('is damaged in the BGZF block', this.#base + bad.start)
  }

  /** Takes in block `i` of those that were checked. */
  #pass({ data, end }: Block, i: number): void {
    this.#passHeader((this.#base + data) * 8)
    const crc = this.#view.getUint32(end - TRAILER, true)
    const size = this.#view.getUint32(end - 4, true)
    this.#segments.push({ size, crc, trailer: { crc, size, end: this.#base + end } })
    this.#output += size
    if (!this.#memory) return
    this.#lines += this.#table[i * ENTRY + 2] ?? 0
    this.#blocks += this.#table[i * ENTRY + 3] ?? 0
    const last = this.#table[i * ENTRY + 4] ?? NONE
    if (last !== NONE) this.#last = last
  }

  /** The rule of `createGzipChunk` for small members. */
  #passHeader(bit: number): void {
    const { span, stride } = this.#rule
    if (this.#points.length > 0 && bit < this.#stride && this.#output - this.#pointOutput < span) return
    this.#points.push({
      bit,
      output: this.#output,
      lines: { literal: this.#lines, markers: noPairs },
      window: emptyWindow,
    })
    this.#lines = 0
    this.#stride = (Math.floor(bit / 8 / stride) + 1) * stride * 8
    this.#pointOutput = this.#output
  }

  #malformed(what: string, offset: number) {
    return malformed(`${this.#name} ${what} at byte ${offset}`, offset)
  }
}
