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
  const { kernels, bytes: heap } = memory
  const inputAt = memory.input.byteOffset
  /** Offset in the object of the byte at the start of the kernel's input. */
  let base = 0
  let length = 0
  let skip = 0
  let width = 1

  function start(bit: number, window: Uint8Array | 'unknown'): void {
    base = Math.floor(bit / 8)
    length = 0
    skip = bit % 8
    width = window === 'unknown' ? 2 : 1
    kernels.inflateReset(window === 'unknown' ? 1 : 0)
    if (window === 'unknown') return
    if (window.length > WINDOW_SIZE) {
      throw new DataplugError('INVALID_ARGUMENT', `a window has at most 32768 bytes, not ${window.length}`)
    }
    heap.set(window, kernels.inflateOut() - window.length)
    kernels.inflateWindow(window.length)
  }

  function next(offset: number): void {
    kernels.inflateMember()
    if (offset < base || offset > base + length) {
      base = offset
      length = 0
    }
    kernels.inflateInput(offset - base, length)
  }

  function input(bytes: Uint8Array, at: number, offset: number): number {
    const end = Math.min(at + INPUT_STEP, bytes.length)
    heap.set(bytes.subarray(at, end), inputAt)
    base = offset
    length = end - at
    kernels.inflateInput(0, length)
    if (skip > 0 && kernels.inflateSkip(skip)) skip = 0
    return end
  }

  function run(minimum: number, stopBit: number): InflateStep {
    const stop = Math.min(Math.max(stopBit - base * 8, -NEVER), NEVER)
    const status = kernels.inflateRun(OUTPUT_STEP, Math.min(minimum, NEVER), stop)
    switch (status) {
      case NEED_INPUT:
      case OUTPUT_FULL:
      case BLOCK_START:
      case STREAM_END:
        return status
      default:
        throw deflateError(status, base * 8 + kernels.inflateBit(), name)
    }
  }

  function history() {
    const end = kernels.inflateOut()
    return { start: end - kernels.inflateHistory() * width, end }
  }

  return {
    memory,
    get bit() {
      return base * 8 + kernels.inflateBit()
    },
    get inputEnd() {
      return base + length
    },
    get blockBit() {
      return base * 8 + kernels.inflateBlockBit()
    },
    get findable() {
      return kernels.inflateFindable() !== 0
    },
    get pieceStart() {
      return kernels.inflatePiece()
    },
    get pieceEnd() {
      return kernels.inflateOut()
    },
    start,
    next,
    input,
    run,
    history,
  }
}
