import { inflateRawSync } from 'node:zlib'
import { BLOCK_START, NEED_INPUT, STREAM_END } from '../../src/core/inflate-status.js'
import { createInflater } from '../../src/core/inflater.js'
import { createMemory } from '../../src/core/memory.js'
import { coreModule } from '../../src/core/module.js'
import { concat } from './encoder.js'

const inflater = createInflater(createMemory(await coreModule()))
const heap = inflater.memory.bytes

export interface RawResult {
  readonly data: Uint8Array<ArrayBuffer>
  /** Bytes of input up to the end of the stream. */
  readonly used: number
  readonly blocks: readonly { readonly bit: number; readonly output: number; readonly findable: boolean }[]
}

export interface RawOptions {
  readonly bit?: number
  readonly window?: Uint8Array
  /** Bytes of input at a time. */
  readonly step?: number
  /** Stop at block starts after so many bytes. */
  readonly minimum?: number
}

/** Raw inflate by our kernel. @throws MALFORMED_DATA; undefined when the input ends too early. */
export function inflateRaw(bytes: Uint8Array, options: RawOptions = {}): RawResult | undefined {
  const { bit = 0, step = bytes.length, minimum = Number.MAX_SAFE_INTEGER } = options
  inflater.start(bit, options.window ?? new Uint8Array(0))
  const pieces: Uint8Array[] = []
  const blocks: { bit: number; output: number; findable: boolean }[] = []
  let output = 0
  let at = Math.floor(bit / 8)
  for (;;) {
    const status = inflater.run(minimum, Number.MAX_SAFE_INTEGER)
    pieces.push(heap.slice(inflater.pieceStart, inflater.pieceEnd))
    output += inflater.pieceEnd - inflater.pieceStart
    if (status === STREAM_END) return { data: concat(pieces), used: inflater.bit / 8, blocks }
    if (status === BLOCK_START) blocks.push({ bit: inflater.blockBit, output, findable: inflater.findable })
    if (status === NEED_INPUT) {
      if (at >= bytes.length) return undefined
      at = inflater.input(bytes.subarray(0, at + step), at, at)
    }
  }
}

/** What both do with these bytes: the data and bytes used, or undefined for any refusal. */
export function ours(bytes: Uint8Array, options?: RawOptions): Omit<RawResult, 'blocks'> | undefined {
  try {
    const result = inflateRaw(bytes, options)
    return result && { data: result.data, used: result.used }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MALFORMED_DATA') return undefined
    throw error
  }
}

export function zlibs(bytes: Uint8Array): Omit<RawResult, 'blocks'> | undefined {
  try {
    const { buffer, engine } = inflateRawSync(bytes, { info: true } as object) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    return { data: Uint8Array.from(buffer), used: engine.bytesWritten }
  } catch {
    return undefined
  }
}
