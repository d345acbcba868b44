import { DataplugError } from '../errors.js'
import type { CoreMemory } from './memory.js'
import { WINDOW } from './windows.js'

/** Counts line feeds for each block of a stream that arrives in pieces of any size. */
export interface LineBlockCounter {
  update(bytes: Uint8Array): void
  /**
   * The counts of the blocks that were completed since the last `take`, in order: a view that is valid until
   * the next `update`. Keeps the memory of a long stream flat.
   */
  take(): Uint16Array<ArrayBuffer>
  /**
   * One count for each block that the bytes so far touch and that was not taken, in order; the first and the
   * last may be of partial blocks. Empty when there were no bytes.
   */
  finish(): Uint16Array<ArrayBuffer>
}

export interface LineBlockFunctions {
  /**
   * @param blockSize bytes; a multiple of 64, at most 65 472 so that a count fits 16 bits
   * @param phase offset of the first byte within its block, in [0, blockSize)
   * @throws INVALID_ARGUMENT
   */
  lineBlockCounter(blockSize: number, phase?: number): LineBlockCounter
}

const LARGEST_BLOCK = 65_472

export function lineBlockFunctions(memory: CoreMemory): LineBlockFunctions {
  const { kernels, stage, output, output16 } = memory

  function lineBlockCounter(blockSize: number, phase = 0): LineBlockCounter {
    if (!Number.isInteger(blockSize) || blockSize % 64 !== 0 || blockSize < 64 || blockSize > LARGEST_BLOCK) {
      throw new DataplugError(
        'INVALID_ARGUMENT',
        `a block is a multiple of 64 from 64 to ${LARGEST_BLOCK} bytes, not ${blockSize}`,
      )
    }
    if (!Number.isInteger(phase) || phase < 0 || phase >= blockSize) {
      throw new DataplugError(
        'INVALID_ARGUMENT',
        `phase ${phase} is not inside a block of ${blockSize} bytes`,
      )
    }
    const step = WINDOW - (WINDOW % blockSize)
    let counts = new Uint16Array(64)
    let blocks = 0
    /** The block not yet complete: bytes of it that lie behind us, line feeds among those we saw. */
    let filled = phase
    let open = 0
    let begun = false

    function reserve(more: number): void {
      if (blocks + more + 1 <= counts.length) return
      const larger = new Uint16Array(Math.max(counts.length * 2, blocks + more + 1))
      larger.set(counts.subarray(0, blocks))
      counts = larger
    }

    function scan(p: number, n: number): void {
      const head = filled === 0 ? 0 : Math.min(blockSize - filled, n)
      if (head > 0) {
        open += kernels.countLines(p, head)
        filled += head
        if (filled < blockSize) return
        counts[blocks++] = open
      }
      const whole = Math.floor((n - head) / blockSize)
      if (whole > 0) {
        kernels.lineCountsPerBlock(p + head, whole, blockSize, output)
        counts.set(output16.subarray(0, whole), blocks)
        blocks += whole
      }
      filled = n - head - whole * blockSize
      open = kernels.countLines(p + n - filled, filled)
    }

    function update(bytes: Uint8Array): void {
      reserve(Math.ceil((filled + bytes.length) / blockSize))
      begun ||= bytes.length > 0
      for (let start = 0; start < bytes.length; ) {
        const end = Math.min(start + step - filled, bytes.length)
        scan(stage(bytes, start, end), end - start)
        start = end
      }
    }

    function take(): Uint16Array<ArrayBuffer> {
      const taken = counts.subarray(0, blocks)
      blocks = 0
      return taken
    }

    function finish(): Uint16Array<ArrayBuffer> {
      const last = begun && filled > 0 ? 1 : 0
      reserve(last)
      counts[blocks] = open
      return counts.slice(0, blocks + last)
    }

    return { update, take, finish }
  }

  return { lineBlockCounter }
}
