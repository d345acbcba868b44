import { joined } from '../bytes.js'
import type { ByteStream } from '../storage/store.js'

/** The bytes of a stream as many at a time as are wanted, however they come. To be closed. */
export class ByteQueue {
  readonly #stream: AsyncIterator<Uint8Array>
  #held: Uint8Array = new Uint8Array(0)

  constructor(stream: ByteStream) {
    this.#stream = stream[Symbol.asyncIterator]()
  }

  /** What is next: at least `count` bytes, fewer only when the stream ends. They stay. */
  async peek(count: number): Promise<Uint8Array> {
    if (this.#held.length >= count) return this.#held
    const pieces = this.#held.length > 0 ? [this.#held] : []
    for (let length = this.#held.length; length < count; ) {
      const { done, value } = await this.#stream.next()
      if (done) break
      pieces.push(value)
      length += value.length
    }
    this.#held = joined(pieces)
    return this.#held
  }

  /** Leaves out bytes that `peek` has given. */
  drop(count: number): void {
    this.#held = this.#held.subarray(count)
  }

  /** All that is next, to the end. */
  async *rest(): AsyncGenerator<Uint8Array> {
    yield this.#held
    for (;;) {
      const { done, value } = await this.#stream.next()
      if (done) return
      yield value
    }
  }

  /** Ends the stream. */
  async close(): Promise<void> {
    await this.#stream.return?.()
  }
}
