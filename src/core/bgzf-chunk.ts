import type { ChunkOptions, GzipChunk } from './gzip-chunk.js'
import { type GzipPart, noPairs, type PartPoint } from './gzip-part.js'
import { malformed } from './inflate-status.js'
import type { CoreMemory } from './memory.js'
import { emptyWindow } from './sparse-window.js'

/** Bytes that hold a whole block, whatever its size. */
const BLOCK = 64 << 10
/** Bytes that are copied to the core's memory at a time, where they are not there already. */
const BATCH = 256 << 10

// Members of the kernel's state, each a u32, and what `bgzfRun` returns: assembly/bgzf.ts.
const STATE = 7
const NONE = 0xffffffff
const MORE = 0
const DUE = 1
const DAMAGED = -2

export interface BgzfChunkOptions extends ChunkOptions {
  /** Nothing is inflated: sizes are what the trailers promise, and lines and deflate blocks are not counted. */
  readonly headersOnly?: boolean | undefined
}

/**
 * The structure of a chunk of BGZF (SAM specification, 4.1). Each block is inflated and must be what its header and
 * trailer say, and lines and deflate blocks are counted.
 *
 * @param memory an instance that serves nothing else meanwhile. Bytes that lie in its input window are looked at in
 * place
 * @param offset of the first byte pushed, at which a block starts
 * @throws MALFORMED_DATA (from push and finish) when something else than such blocks follows; not always with what is wrong
 * with it, and where: `createGzipChunk` tells
 */
export function createBgzfChunk(memory: CoreMemory, offset: number, options: BgzfChunkOptions): GzipChunk {
  return new BlockChunk(memory, offset, options)
}

/** A class, as all chunks are. */
class BlockChunk implements GzipChunk {
  readonly #name: string
  readonly #rule: ChunkOptions['rule']
  /** The chunk ends at the first block whose data starts at or after this byte. */
  #until: number
  readonly #inflate: number
  readonly #memory: CoreMemory
  readonly #state: Uint32Array
  /** Of a block that is not whole yet; #held bytes of it. */
  readonly #block: Uint8Array
  readonly #batch: Uint8Array
  #held = 0
  /** Offset in the object of the next block. */
  #offset: number
  #output = 0
  #blocks = 0
  #lines = 0
  #last = -1
  #end: number | undefined
  /** The byte at or after which a block becomes a point, and the output before the last point. */
  #stride = 0
  #pointOutput = 0
  readonly #points: PartPoint[] = []
  #members = new Uint32Array(1024)
  #memberCount = 0

  constructor(
    memory: CoreMemory,
    offset: number,
    { name = 'the object', rule, until, headersOnly = false }: BgzfChunkOptions,
  ) {
    this.#name = name
    this.#rule = rule
    this.#until = Math.ceil(until / 8)
    this.#inflate = headersOnly ? 0 : 1
    this.#memory = memory
    this.#offset = offset
    const { bytes, output, kernels } = memory
    this.#block = bytes.subarray(output, output + BLOCK)
    this.#batch = bytes.subarray(output + BLOCK, output + BLOCK + BATCH)
    this.#state = new Uint32Array(bytes.buffer, kernels.bgzfState())
  }

  push(bytes: Uint8Array): boolean {
    let at = 0
    if (this.#held > 0) {
      const before = this.#held
      this.#hold(bytes.subarray(0, BLOCK - before))
      const used = this.#run(this.#block.subarray(0, this.#held))
      if (this.#end !== undefined) return true
      // All of `bytes` was taken, and there is more to the block.
      if (used === 0) return false
      this.#held = 0
      at = used - before
    }
    const rest = bytes.subarray(at)
    const used = rest.buffer === this.#memory.bytes.buffer ? this.#run(rest) : this.#runCopied(rest)
    if (this.#end !== undefined) return true
    this.#hold(rest.subarray(used))
    return false
  }

  finish(): void {
    if (this.#held > 0) throw this.#malformed('ends inside the BGZF block', this.#offset)
    if (this.#points.length === 0) throw this.#malformed('has no BGZF block', this.#offset)
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
      members: this.#members.subarray(0, this.#memberCount * 2),
      segments: [],
      factors: noPairs,
      last: this.#last,
      tail: new Uint8Array(0),
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#held)
    this.#held += bytes.length
  }

  #runCopied(bytes: Uint8Array): number {
    let used = 0
    for (;;) {
      const copied = bytes.subarray(used, used + BATCH)
      this.#batch.set(copied)
      const taken = this.#run(this.#batch.subarray(0, copied.length))
      used += taken
      if (taken === 0 || this.#end !== undefined) return used
    }
  }

  /** Goes through the whole blocks in bytes that lie in the core's memory; how many bytes these are. */
  #run(bytes: Uint8Array): number {
    let used = 0
    for (;;) {
      const isFirst = this.#points.length === 0
      const stop = isFirst ? 0 : Math.min(this.#stride, this.#until) - this.#offset
      const content = this.#rule.span - (this.#output - this.#pointOutput)
      const status = this.#memory.kernels.bgzfRun(
        bytes.byteOffset + used,
        bytes.length - used,
        toU32(stop),
        toU32(content),
        this.#inflate,
      )
      const [next = 0, data = 0] = this.#state
      const start = this.#offset + data
      this.#take()
      used += next
      if (status === MORE) return used
      // The first is the chunk's own, wherever it starts.
      if (isFirst) this.#until = Math.max(this.#until, start + 1)
      if (status === DUE && start >= this.#until) {
        this.#end = start * 8
        return used
      }
      if (status === DUE) this.#addPoint(start)
      if (status < 0) {
        const what = status === DAMAGED ? 'is damaged in the BGZF block' : 'has no BGZF block'
        throw this.#malformed(what, this.#offset)
      }
    }
  }

  /** Takes in what a call of the kernel found. */
  #take(): void {
    const [next = 0, , count = 0, content = 0, lines = 0, blocks = 0, last = NONE] = this.#state
    this.#offset += next
    this.#output += content
    this.#lines += lines
    this.#blocks += blocks
    if (last !== NONE) this.#last = last
    const used = 2 * this.#memberCount
    if (used + 2 * count > this.#members.length) {
      const longer = new Uint32Array(2 * (used + 2 * count))
      longer.set(this.#members)
      this.#members = longer
    }
    this.#members.set(this.#state.subarray(STATE, STATE + 2 * count), used)
    this.#memberCount += count
  }

  /** @param start of the block's data, in the object */
  #addPoint(start: number): void {
    const { stride } = this.#rule
    this.#points.push({
      bit: start * 8,
      output: this.#output,
      lines: { literal: this.#lines, markers: noPairs },
      window: emptyWindow,
    })
    this.#lines = 0
    this.#stride = (Math.floor(start / stride) + 1) * stride
    this.#pointOutput = this.#output
  }

  #malformed(what: string, offset: number) {
    return malformed(`${this.#name} ${what} at byte ${offset}`, offset)
  }
}

function toU32(value: number): number {
  return Math.min(Math.max(value, 0), NONE)
}
