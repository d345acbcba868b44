import { DataplugError } from '../errors.js'
import { isRange, type Range } from '../range.js'
import { onAbort } from './abort.js'
import type { SplitConfig } from './config.js'
import type { ObjectInfo, ReadableStore, ReadOptions } from './store.js'
import { wrapStore } from './wrap.js'

/**
 * Reads longer than `above` bytes are fetched as parts of `partSize`, `concurrency` of them at once, and
 * delivered in order. The first part tells the ETag that pins the others. At most `concurrency × partSize`
 * bytes wait in memory. An error, an abort or leaving early ends all parts.
 */
export function withParallelParts<S extends ReadableStore>(store: S, config: SplitConfig = {}): S {
  const { above = 128 << 20, partSize = 16 << 20, concurrency = 4 } = config
  for (const [name, value] of Object.entries({ above, partSize, concurrency })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new DataplugError('INVALID_ARGUMENT', `split.${name} must be an integer from 1; got ${value}`)
    }
  }

  async function* readParts(uri: string, [start, end]: Range, options: ReadOptions) {
    const controller = new AbortController()
    // The buffer serves one read at a time, so no part may have it.
    const { scratch: _, onInfo, signal, ...rest } = options
    signal?.throwIfAborted()
    const forget = onAbort(signal, () => controller.abort(signal?.reason))
    const parts: Part[] = []
    let ifMatch = rest.ifMatch
    const begin = (told?: (info: ObjectInfo) => void) => {
      const from = start + parts.length * partSize
      if (from >= end) return
      const range: Range = [from, Math.min(from + partSize, end)]
      const partOptions: ReadOptions = { ...rest, ifMatch, signal: controller.signal, onInfo: told }
      parts.push(openPart(store, uri, range, partOptions))
    }
    try {
      await new Promise<void>((resolve, reject) => {
        begin((info) => {
          ifMatch = info.etag
          try {
            onInfo?.(info)
            resolve()
          } catch (error) {
            reject(error)
          }
        })
        parts[0]?.finished.then(resolve, reject)
      })
      if (ifMatch === undefined) {
        throw new DataplugError('UNSUPPORTED', `the store of ${uri} does not tell what it reads`, { uri })
      }
      while (parts.length < Math.min(concurrency, Math.ceil((end - start) / partSize))) begin()
      for (let i = 0; i < parts.length; i++) {
        const part = parts[i]
        if (!part) break
        for (;;) {
          signal?.throwIfAborted()
          const chunk = part.chunks.shift()
          if (chunk) yield chunk
          else if (part.ended) break
          else await part.more()
        }
        await part.finished
        begin()
      }
    } finally {
      forget()
      controller.abort()
      await Promise.allSettled(parts.map(({ finished }) => finished))
    }
  }

  return wrapStore(store, {
    read: (uri, range, options = {}) =>
      isRange(range) && range[1] - range[0] > above
        ? readParts(uri, range, options)
        : store.read(uri, range, options),
  })
}

/** A part being fetched into memory as fast as it comes. */
interface Part {
  readonly chunks: Uint8Array[]
  /** No further chunks will come. */
  readonly ended: boolean
  /** @throws what ended the part before its time */
  readonly finished: Promise<void>
  /** Until the next chunk or the end. */
  more(): Promise<void>
}

function openPart(store: ReadableStore, uri: string, range: Range, options: ReadOptions): Part {
  const chunks: Uint8Array[] = []
  let ended = false
  let wake = () => {}
  async function pump(): Promise<void> {
    try {
      for await (const chunk of store.read(uri, range, options)) {
        chunks.push(chunk)
        wake()
      }
    } finally {
      ended = true
      wake()
    }
  }
  const finished = pump()
  // A part that nobody waits for any more fails in silence.
  finished.catch(() => {})
  return {
    chunks,
    finished,
    get ended() {
      return ended
    },
    more: () =>
      new Promise<void>((resolve) => {
        wake = resolve
      }),
  }
}
