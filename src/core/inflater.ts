import { DataplugError } from '../errors.js'
import { BLOCK_START, deflateError, NEED_INPUT, OUTPUT_FULL, STREAM_END } from './inflate-status.js'
import type { CoreMemory } from './memory.js'

/** What a matched distance can reach: 32 KiB (RFC 1951, 3.2.5). */
export const WINDOW_SIZE = 32_768

/** Compressed bytes copied to the kernel at a time, and about how many symbols it gives at a time. */
const INPUT_STEP = 128 * 1024
const OUTPUT_STEP = 64 * 1024
/** Larger than any bit offset within the kernel's input. */
const NEVER = 0x7fffffff

export type InflateStep = typeof NEED_INPUT | typeof OUTPUT_FULL | typeof BLOCK_START | typeof STREAM_END

/**
 * Raw inflate (RFC 1951) on a core instance that serves nothing else meanwhile. Input is given window by window; each `run` leaves
 * a piece of output in the instance's memory, where it stays valid until the next call.
 */
export interface Inflater {
  readonly memory: CoreMemory
  /** Where the next unread byte or bit of input is, as an offset in the object. */
  readonly bit: number
  /** End of the bytes that were given as input, as an offset in the object. */
  readonly inputEnd: number
  /** The header of the current block, in bits from the start of the object. Right after BLOCK_START. */
  readonly blockBit: number
  /** Whether a search without context would find the current block. */
  readonly findable: boolean
  /** Bounds of the last piece in `memory.bytes`; in 16-bit mode a symbol takes two bytes. */
  readonly pieceStart: number
  readonly pieceEnd: number
  /**
   * Starts a stream. `window` (at most 32 KiB) is what came before; 'unknown' switches to 16-bit symbols.
   *
   * @param bit where it starts, in bits from the start of the object; the first byte given must hold it
   */
  start(bit: number, window: Uint8Array | 'unknown'): void
  /** Starts the next stream of the same object: no window, output goes on. */
  next(offset: number): void
  /**
   * Makes bytes from `at` on the input and returns the end of what was taken. The input before must have
   * been used up (NEED_INPUT), unless a stream has ended.
   */
  input(bytes: Uint8Array, at: number, offset: number): number
  /**
   * Decodes one piece. Stops early (BLOCK_START) at a block that starts at or after `stopBit` and that a
   * search would find, or at any block once the piece has `minimum` symbols.
   *
   * @throws MALFORMED_DATA with the bit offset
   */
  run(minimum: number, stopBit: number): InflateStep
  /** The symbols before the end of the last piece that matches may reach, at most 32 Ki, in bytes of memory. */
  history(): { readonly start: number; readonly end: number }
}

/** @param name of the object, for messages */
export function createInflater(memory: CoreMemory, name = 'the object'): Inflater {
  return new KernelInflater(memory, name)
}

/** A class, since getters of object literals make each of them a shape of its own, and what uses them slow. */
class KernelInflater implements Inflater {
  readonly memory: CoreMemory
  readonly #name: string
  readonly #inputAt: number
  /** Offset in the object of the byte at the start of the kernel's input. */
  #base = 0
  #length = 0
  #skip = 0
  #width = 1

  constructor(memory: CoreMemory, name: string) {
    this.memory = memory
    this.#name = name
    this.#inputAt = memory.input.byteOffset
  }

  get bit() {
    return this.#base * 8 + this.memory.kernels.inflateBit()
  }

  get inputEnd() {
    return this.#base + this.#length
  }

  get blockBit() {
    return this.#base * 8 + this.memory.kernels.inflateBlockBit()
  }

  get findable() {
    return this.memory.kernels.inflateFindable() !== 0
  }

  get pieceStart() {
    return this.memory.kernels.inflatePiece()
  }

  get pieceEnd() {
    return this.memory.kernels.inflateOut()
  }

  start(bit: number, window: Uint8Array | 'unknown'): void {
    const { kernels, bytes } = this.memory
    this.#base = Math.floor(bit / 8)
    this.#length = 0
    this.#skip = bit % 8
    this.#width = window === 'unknown' ? 2 : 1
    kernels.inflateReset(window === 'unknown' ? 1 : 0)
    if (window === 'unknown') return
    if (window.length > WINDOW_SIZE) {
      throw new DataplugError('INVALID_ARGUMENT', `a window has at most 32768 bytes, not ${window.length}`)
    }
    bytes.set(window, kernels.inflateOut() - window.length)
    kernels.inflateWindow(window.length)
  }

  next(offset: number): void {
    const { kernels } = this.memory
    kernels.inflateMember()
    if (offset < this.#base || offset > this.#base + this.#length) {
      this.#base = offset
      this.#length = 0
    }
    kernels.inflateInput(offset - this.#base, this.#length)
  }

  input(bytes: Uint8Array, at: number, offset: number): number {
    const { kernels, bytes: heap } = this.memory
    const end = Math.min(at + INPUT_STEP, bytes.length)
    heap.set(bytes.subarray(at, end), this.#inputAt)
    this.#base = offset
    this.#length = end - at
    kernels.inflateInput(0, this.#length)
    if (this.#skip > 0 && kernels.inflateSkip(this.#skip)) this.#skip = 0
    return end
  }

  run(minimum: number, stopBit: number): InflateStep {
    const { kernels } = this.memory
    const stop = Math.min(Math.max(stopBit - this.#base * 8, -NEVER), NEVER)
    const status = kernels.inflateRun(OUTPUT_STEP, Math.min(minimum, NEVER), stop)
    switch (status) {
      case NEED_INPUT:
      case OUTPUT_FULL:
      case BLOCK_START:
      case STREAM_END:
        return status
      default:
        throw deflateError(status, this.bit, this.#name)
    }
  }

  history() {
    const { kernels } = this.memory
    const end = kernels.inflateOut()
    return { start: end - kernels.inflateHistory() * this.#width, end }
  }
}
