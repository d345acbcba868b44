import { BLOCK_SIZE, CountPacker, PAGE_BLOCKS, packedLength, unpackPage } from './counts.js'

/** Numbers of all blocks of an object, put together from those of stretches that follow one another. */
export interface BlockSeries {
  /**
   * Those of the blocks that `[start, end)` touches, packed in pages that begin where the object's do. A block that the
   * stretch before touched as well has the sum of both.
   *
   * @param sums of the pages; without them they are taken to be of no interest
   */
  add(start: number, end: number, packed: Uint8Array, sums?: Uint8Array): void
  /** Zeros for all blocks before the one that holds `offset`, as far as there are none yet. */
  fillTo(offset: number): void
  /** The packer with all of them; nothing may be added afterwards. */
  finish(): CountPacker
}

export function blockSeries(): BlockSeries {
  const packer = new CountPacker()
  /** Blocks that were given to the packer, and the one after them while it may still grow. */
  let packed = 0
  let last: number | undefined

  function push(values: Uint16Array): void {
    packer.push(values)
    packed += values.length
  }
  function settle(): void {
    if (last !== undefined) push(Uint16Array.of(last))
    last = undefined
  }

  return {
    add(start, end, pages, sums) {
      if (start === end) return
      const stop = Math.ceil(end / BLOCK_SIZE)
      const isShared = end % BLOCK_SIZE !== 0
      let at = 0
      let page = 0
      for (let block = Math.floor(start / BLOCK_SIZE); block < stop; page++) {
        const next = Math.min(block - (block % PAGE_BLOCKS) + PAGE_BLOCKS, stop)
        if (last !== undefined && block > packed) settle()
        const whole = next - block === PAGE_BLOCKS && last === undefined
        if (whole && !(isShared && next === stop)) {
          const sum = sums?.subarray(page * 4, page * 4 + 4) ?? new Uint8Array(4)
          at += packer.pushPages(pages.subarray(at), sum, 1)
          packed += PAGE_BLOCKS
          block = next
          continue
        }
        const values = unpackPage(pages, at, next - block)
        at += packedLength(pages, at, next - block)
        if (last !== undefined) values[0] = (values[0] ?? 0) + last
        last = undefined
        const keep = isShared && next === stop
        push(keep ? values.subarray(0, -1) : values)
        if (keep) last = values[values.length - 1]
        block = next
      }
    },
    fillTo(offset) {
      const block = Math.floor(offset / BLOCK_SIZE)
      if (last !== undefined && block > packed) settle()
      if (last === undefined && block > packed) push(new Uint16Array(block - packed))
    },
    finish() {
      settle()
      return packer
    },
  }
}
