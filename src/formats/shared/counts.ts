// Bit-packed counts, the `line-counts` section of docs/index-format.md: counts of something in
// consecutive blocks, packed in pages of PAGE_BLOCKS.
import type { PackCounts } from '../../core/core.js'

/** Bytes of the object in one block. */
export const BLOCK_SIZE = 512
/** Blocks in one page of counts. */
export const PAGE_BLOCKS = 2048
export const PAGE_SIZE = BLOCK_SIZE * PAGE_BLOCKS

const PAGE_HEADER = 3

/**
 * One page: `u16 minimum, u8 width`, then each count minus the minimum in `width` bits. As `core.packCounts`, without a
 * core: for the few pages that are made where parts meet.
 */
export const packPage: PackCounts = (counts) => {
  let minimum = 0xffff
  let maximum = 0
  let sum = 0
  // Indexed loops: iterating a typed array costs several times as much here.
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    sum += count
    if (count < minimum) minimum = count
    if (count > maximum) maximum = count
  }
  const width = 32 - Math.clz32(maximum - minimum)
  const page = new Uint8Array(PAGE_HEADER + Math.ceil((counts.length * width) / 8))
  page[0] = minimum & 0xff
  page[1] = minimum >> 8
  page[2] = width
  if (width === 0) return { page, sum }
  let bits = 0
  let pending = 0
  let at = PAGE_HEADER
  for (let i = 0; i < counts.length; i++) {
    pending |= ((counts[i] as number) - minimum) << bits
    bits += width
    while (bits >= 8) {
      page[at++] = pending & 0xff
      pending >>>= 8
      bits -= 8
    }
  }
  if (bits > 0) page[at] = pending
  return { page, sum }
}

/** Bytes that the page at `offset` takes when it holds `blocks` counts. */
export function packedLength(bytes: Uint8Array, offset: number, blocks: number): number {
  return PAGE_HEADER + Math.ceil((blocks * (bytes[offset + 2] ?? 0)) / 8)
}

/** The counts of the page at `offset`. */
export function unpackPage(bytes: Uint8Array, offset: number, blocks: number): Uint16Array {
  const minimum = (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8)
  const width = bytes[offset + 2] ?? 0
  const counts = new Uint16Array(blocks)
  const mask = (1 << width) - 1
  let bits = 0
  let pending = 0
  let at = offset + PAGE_HEADER
  for (let i = 0; i < blocks; i++) {
    while (bits < width) {
      pending |= (bytes[at++] ?? 0) << bits
      bits += 8
    }
    counts[i] = minimum + (pending & mask)
    pending >>>= width
    bits -= width
  }
  return counts
}

/** Collects counts block by block and packs each page as it fills. */
export class CountPacker {
  #page = new Uint16Array(PAGE_BLOCKS)
  #filled = 0
  /** Blocks that the page being filled will hold. */
  #room: number
  readonly #pages: Uint8Array[] = []
  /** Sum of all counts before each page, and after the last. */
  readonly totals: number[] = [0]
  readonly #packCounts: PackCounts

  /**
   * @param packCounts that of a core where there are many
   * @param phase blocks of the first page that are left out, so that all others begin where those of the object do
   */
  constructor(packCounts: PackCounts = packPage, phase = 0) {
    this.#packCounts = packCounts
    this.#room = PAGE_BLOCKS - phase
  }

  /** Appends counts of whole blocks. */
  push(counts: Uint16Array): void {
    for (let from = 0; from < counts.length; ) {
      const taken = Math.min(counts.length - from, this.#room - this.#filled)
      const run = counts.subarray(from, from + taken)
      from += taken
      if (taken === PAGE_BLOCKS) {
        this.#pack(run)
        continue
      }
      this.#page.set(run, this.#filled)
      this.#filled += taken
      if (this.#filled === this.#room) this.#flush()
    }
  }

  /**
   * Appends the first `count` pages that another packer made, all full. Nothing may wait for its page to fill.
   *
   * @param sums of that packer
   * @returns how many bytes of `packed` they take
   */
  pushPages(packed: Uint8Array, sums: Uint8Array, count: number): number {
    const view = new DataView(sums.buffer, sums.byteOffset, sums.byteLength)
    let at = 0
    for (let i = 0; i < count; i++) {
      const length = packedLength(packed, at, PAGE_BLOCKS)
      this.#add(packed.subarray(at, at + length), view.getUint32(i * 4, true))
      at += length
    }
    return at
  }

  /** All pages; nothing may be pushed afterwards. */
  finish(): Uint8Array[] {
    this.#flush()
    return this.#pages
  }

  /** What the counts of each page sum up to, as `u32`. */
  sums(): Uint8Array {
    const { totals } = this
    const view = new DataView(new ArrayBuffer((totals.length - 1) * 4))
    for (let i = 1; i < totals.length; i++) {
      view.setUint32((i - 1) * 4, (totals[i] as number) - (totals[i - 1] as number), true)
    }
    return new Uint8Array(view.buffer)
  }

  #flush(): void {
    if (this.#filled === 0) return
    this.#pack(this.#page.subarray(0, this.#filled))
    this.#filled = 0
    this.#room = PAGE_BLOCKS
  }

  #pack(counts: Uint16Array): void {
    const { page, sum } = this.#packCounts(counts)
    this.#add(page, sum)
  }

  #add(page: Uint8Array, sum: number): void {
    this.#pages.push(page)
    this.totals.push((this.totals[this.totals.length - 1] as number) + sum)
  }
}
