import type { Range } from '../range.js'
import { memoryStore } from '../storage/memory.js'
import type { Store } from '../storage/store.js'

export interface ReadSeen {
  readonly uri: string
  readonly range: Range
}

/** A memory store that is as unkind as stores may be, and counts. */
export interface ObservedStore {
  readonly store: Store
  /** The store underneath, to change objects behind the format's back. */
  readonly objects: Store
  /** Every read whose first piece was asked for, in order. */
  readonly reads: ReadSeen[]
  /** Bodies begun and neither finished nor released. */
  open(): number
}

export interface ObservedOptions {
  /** Bytes of one piece of a body. Default: 65536. */
  readonly piece?: number | undefined
  /** Told before each piece is delivered. */
  readonly onPiece?: ((read: ReadSeen) => void) | undefined
  /** Reads at most, so that nothing reads for ever. Default 100 000. */
  readonly limit?: number | undefined
}

/** Pieces are copies; where the reader offered a buffer to be filled again, each is gone when the next comes. */
export function observedStore(
  objects: Readonly<Record<string, Uint8Array>>,
  { piece = 65_536, onPiece, limit = 100_000 }: ObservedOptions = {},
): ObservedStore {
  const inner = memoryStore(objects)
  const reads: ReadSeen[] = []
  let open = 0
  const store: Store = {
    ...inner,
    async *read(uri, range, { scratch, ...options } = {}) {
      if (reads.length >= limit) throw new Error(`more than ${limit} reads`)
      const read = { uri, range }
      reads.push(read)
      open++
      try {
        for await (const whole of inner.read(uri, range, options)) {
          const length = Math.min(piece, scratch?.length || piece)
          for (let at = 0; at < whole.length; at += length) {
            options.signal?.throwIfAborted()
            onPiece?.(read)
            const bytes = whole.slice(at, at + length)
            scratch?.fill(0xa5, 0, length).set(bytes)
            yield scratch ? scratch.subarray(0, bytes.length) : bytes
          }
          options.signal?.throwIfAborted()
        }
      } finally {
        open--
      }
    },
  }
  return { store, objects: inner, reads, open: () => open }
}

/** Bytes asked for by reads from number `since` on. */
export function bytesAsked(reads: readonly ReadSeen[], since = 0): number {
  return reads.slice(since).reduce((sum, { range }) => sum + range[1] - range[0], 0)
}
