import type { CoreMemory } from './memory.js'

/** A page of `line-counts` (docs/index-format.md) of up to 2048 counts, and what they sum up to. */
export type PackCounts = (counts: Uint16Array) => { readonly page: Uint8Array; readonly sum: number }

export interface CountFunctions {
  readonly packCounts: PackCounts
}

const MOST = 2048

export function countFunctions({ kernels, bytes }: CoreMemory): CountFunctions {
  const at = kernels.countsPointer()
  const input = new Uint16Array(bytes.buffer, at, MOST)
  const sum = new DataView(bytes.buffer, at + MOST * 2, 4)
  const page = at + MOST * 2 + 4
  return {
    packCounts(counts) {
      input.set(counts)
      const length = kernels.packCounts(counts.length)
      return { page: bytes.slice(page, page + length), sum: sum.getUint32(0, true) }
    },
  }
}
