// Bit-packed counts, the `line-counts` section of docs/index-format.md: counts of something in
// consecutive blocks, packed in pages of PAGE_BLOCKS.

/** Bytes of the object in one block. */
export const BLOCK_SIZE = 512
/** Blocks in one page of counts. */
export const PAGE_BLOCKS = 2048
export const PAGE_SIZE = BLOCK_SIZE * PAGE_BLOCKS

const PAGE_HEADER = 3

/** One page: `u16 minimum, u8 width`, then each count minus the minimum in `width` bits. */
export function packPage(counts: Uint16Array): Uint8Array {
  let minimum = 0xffff
  let maximum = 0
  for (const count of counts) {
    if (count < minimum) minimum = count
    if (count > maximum) maximum = count
  }
  const width = 32 - Math.clz32(maximum - minimum)
  const page = new Uint8Array(PAGE_HEADER + Math.ceil((counts.length * width) / 8))
  page[0] = minimum & 0xff
  page[1] = minimum >> 8
  page[2] = width
  if (width === 0) return page
  let bits = 0
  let pending = 0
  let at = PAGE_HEADER
  for (const count of counts) {
    pending |= (count - minimum) << bits
    bits += width
    while (bits >= 8) {
      page[at++] = pending & 0xff
      pending >>>= 8
      bits -= 8
    }
  }
  if (bits > 0) page[at] = pending
  return page
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
  readonly #pages: Uint8Array[] = []
  /** Sum of all counts before each page, and after the last. */
  readonly totals: number[] = [0]
  #total = 0

  /** Appends counts of whole blocks. */
  push(counts: Uint16Array): void {
    for (let from = 0; from < counts.length; ) {
      const taken = Math.min(counts.length - from, PAGE_BLOCKS - this.#filled)
      this.#page.set(counts.subarray(from, from + taken), this.#filled)
      this.#filled += taken
      from += taken
      if (this.#filled === PAGE_BLOCKS) this.#flush()
    }
  }

  /** All pages; nothing may be pushed afterwards. */
  finish(): Uint8Array[] {
    if (this.#filled > 0) this.#flush()
    return this.#pages
  }

  #flush(): void {
    const page = this.#page.subarray(0, this.#filled)
    for (const count of page) this.#total += count
    this.totals.push(this.#total)
    this.#pages.push(packPage(page))
    this.#filled = 0
  }
}
