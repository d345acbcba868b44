import type { CoreMemory } from './memory.js'

export interface ChecksumFunctions {
  /**
   * CRC-32 as in gzip, PNG and ZIP (RFC 1952 section 8): an unsigned 32-bit number, equal to zlib's.
   * With `seed`, the CRC-32 of what came before, the result is that of both together.
   */
  crc32(bytes: Uint8Array, seed?: number): number
}

/** Longer than for other kernels, since every call ends with slower stages over its last 4800 bytes. */
const WINDOW = 256 * 1024

export function checksumFunctions({ kernels, stage }: CoreMemory): ChecksumFunctions {
  function crc32(bytes: Uint8Array, seed = 0): number {
    let crc = seed
    for (let start = 0; start < bytes.length; start += WINDOW) {
      const end = Math.min(start + WINDOW, bytes.length)
      crc = kernels.crc32(stage(bytes, start, end), end - start, crc)
    }
    return crc >>> 0
  }

  return { crc32 }
}
