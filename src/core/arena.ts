/** As much as the arrays of a chunk mostly take. */
const BLOCK = 512 << 10

/**
 * Arrays for one piece of work, in memory that the next piece uses again: arrays of their own, which live as long as the
 * work, would pile up as old garbage, which is collected late. Not zeroed.
 */
export class Arena {
  readonly #blocks: ArrayBuffer[] = []
  #block = 0
  #at = 0

  u8(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(...this.#take(length), length)
  }

  u16(length: number): Uint16Array<ArrayBuffer> {
    return new Uint16Array(...this.#take(length * 2), length)
  }

  u32(length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(...this.#take(length * 4), length)
  }

  /** All arrays given so far may be given again. */
  reset(): void {
    this.#block = 0
    this.#at = 0
  }

  #take(bytes: number): [ArrayBuffer, number] {
    for (;;) {
      const block = this.#blocks[this.#block] ?? new ArrayBuffer(Math.max(BLOCK, bytes))
      this.#blocks[this.#block] = block
      const at = this.#at
      if (at + bytes <= block.byteLength) {
        this.#at = at + Math.ceil(bytes / 4) * 4
        return [block, at]
      }
      this.#block++
      this.#at = 0
    }
  }
}
