import type { Readable } from 'node:stream'

// Enough to keep the socket busy while a consumer works on a chunk.
const HIGH_WATER = 1 << 20

/**
 * The chunks of a Node stream by its `data` event, which costs less per chunk than its own iterator and
 * copies nothing.
 */
export function nodeBody(stream: Readable): () => Promise<Uint8Array | undefined> {
  const queue: Uint8Array[] = []
  let head = 0
  let queued = 0
  let end: { readonly error?: unknown } | undefined
  let wake: (() => void) | undefined
  const changed = () => {
    wake?.()
    wake = undefined
  }
  stream.on('data', (chunk: Uint8Array) => {
    // A plain view: a Buffer's `slice` would not copy.
    queue.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    queued += chunk.byteLength
    if (queued >= HIGH_WATER) stream.pause()
    changed()
  })
  stream.on('end', () => {
    end ??= {}
    changed()
  })
  stream.on('error', (error: unknown) => {
    end ??= { error }
    changed()
  })
  stream.on('close', () => {
    end ??= { error: new Error('the connection was closed') }
    changed()
  })
  return async () => {
    while (head === queue.length) {
      if (end) {
        if ('error' in end) throw end.error
        return undefined
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const chunk = queue[head++]
    if (head === queue.length) {
      queue.length = 0
      head = 0
    }
    queued -= chunk?.byteLength ?? 0
    if (queued < HIGH_WATER && stream.isPaused()) stream.resume()
    return chunk
  }
}
