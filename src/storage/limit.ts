import { isRange, type Range } from '../range.js'
import { onAbort } from './abort.js'
import { isWritable, type ReadableStore, type ReadOptions, writeContent } from './store.js'
import { wrapStore } from './wrap.js'

/** One place among those that may talk to the server at the same time. */
interface Seat {
  /** When the consumer was last given a chunk, while it has not asked for the next; else `undefined`. */
  parkedSince: number | undefined
  /** Closes the body, to be continued from where it is. Only called while parked. */
  evict: () => Promise<void>
}

interface Waiter {
  readonly admit: () => void
}

/**
 * At most `limit` requests and bodies at once; further ones wait their turn. Listing does not count.
 *
 * A body that its consumer has not touched for `patienceMs` gives its place to one that waits, and is continued
 * by a new request, pinned to the same ETag, when it is read on. So a consumer may hold more unfinished bodies
 * than there are places: nothing ever waits for itself.
 */
export function withConcurrencyLimit<S extends ReadableStore>(store: S, limit: number, patienceMs = 1000): S {
  const gate = createGate(limit, patienceMs)

  async function* read(
    uri: string,
    [start, end]: Range,
    options: ReadOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let offset = start
    let etag = options.ifMatch
    let told = false
    while (offset < end) {
      const seat = await gate.enter(options.signal)
      let evicted = false
      let body: AsyncIterator<Uint8Array> | undefined
      try {
        const pinned: ReadOptions = {
          ...options,
          ifMatch: etag,
          onInfo(info) {
            etag = info.etag
            if (!told) options.onInfo?.(info)
            told = true
          },
        }
        const reading = store.read(uri, [offset, end], pinned)[Symbol.asyncIterator]()
        body = reading
        seat.evict = async () => {
          evicted = true
          await reading.return?.()
        }
        while (!evicted) {
          const { done, value } = await reading.next()
          if (done) {
            body = undefined
            return
          }
          offset += value.length
          if (told) seat.parkedSince = performance.now()
          yield value
          seat.parkedSince = undefined
        }
      } finally {
        if (!evicted) {
          seat.parkedSince = undefined
          await body?.return?.()
          gate.leave(seat)
        }
      }
    }
  }

  async function seated<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    const seat = await gate.enter(signal)
    try {
      return await call()
    } finally {
      gate.leave(seat)
    }
  }

  return wrapStore(store, {
    read: (uri, range, options) =>
      isRange(range) ? read(uri, range, options) : store.read(uri, range, options),
    head: (uri, options) => seated(options?.signal, () => store.head(uri, options)),
    ...(isWritable(store) && {
      write: (uri, bytes, options) => seated(options?.signal, () => store.write(uri, bytes, options)),
      writeContent: (uri, content, options) =>
        seated(options?.signal, () => writeContent(store, uri, content, options)),
      remove: (uri, options) => seated(options?.signal, () => store.remove(uri, options)),
    }),
  })
}

function createGate(limit: number, patienceMs: number) {
  const seats = new Set<Seat>()
  const waiters: Waiter[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function sit(): Seat {
    const seat: Seat = { parkedSince: undefined, evict: async () => {} }
    seats.add(seat)
    return seat
  }

  function leave(seat: Seat): void {
    if (!seats.delete(seat)) return
    waiters.shift()?.admit()
    if (waiters.length === 0) {
      clearTimeout(timer)
      timer = undefined
    }
  }

  function evictParked(): void {
    timer = undefined
    const now = performance.now()
    const parked = [...seats].filter(
      ({ parkedSince }) => parkedSince !== undefined && now - parkedSince >= patienceMs,
    )
    for (const seat of parked.slice(0, waiters.length)) {
      seat.parkedSince = undefined
      seat.evict().then(
        () => leave(seat),
        () => leave(seat),
      )
    }
    watch()
  }

  function watch(): void {
    if (waiters.length > 0) timer ??= setTimeout(evictParked, Math.max(1, patienceMs / 2))
  }

  function enter(signal: AbortSignal | undefined): Promise<Seat> {
    signal?.throwIfAborted()
    if (seats.size < limit) return Promise.resolve(sit())
    return new Promise<Seat>((resolve, reject) => {
      const waiter: Waiter = {
        admit() {
          forget()
          resolve(sit())
        },
      }
      waiters.push(waiter)
      const forget = onAbort(signal, () => {
        waiters.splice(waiters.indexOf(waiter), 1)
        reject(signal?.reason)
      })
      watch()
    })
  }

  return { enter, leave }
}
