import { DataplugError, isDataplugError } from '../errors.js'
import { isRange, type Range } from '../range.js'
import { onAbort, orAbort } from './abort.js'
import { collect, type ObjectInfo, type ReadableStore, type ReadOptions } from './store.js'
import { wrapStore } from './wrap.js'

export interface CoalescingConfig {
  /** Ranges at most this many bytes apart become one request. Default 16 KiB. */
  readonly gap?: number
  /** Longest read that is joined to others, and longest joined request. Default 1 MiB. */
  readonly maxBytes?: number
  /** How long a read waits for others. Default 0: for those begun in the same turn of the event loop. */
  readonly windowMs?: number
}

/** A read that waits for company. */
interface Call {
  readonly range: Range
  readonly signal: AbortSignal | undefined
  readonly resolve: (body: Body) => void
}

/** What a call gets: its bytes out of a joined request, or the word to send its own. */
type Body = { readonly shared: Promise<Shared>; readonly from: number } | 'alone'

interface Shared {
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
}

/**
 * Small reads of the same object (and ETag) that begin together and lie close are served by one request.
 * A caller's abort ends its own read; the request ends when all its callers have gone. An error of the request
 * reaches each of them, unless it is only that one of the ranges lies outside the object: then each asks alone.
 */
export function withCoalescing<S extends ReadableStore>(store: S, config: CoalescingConfig = {}): S {
  const { gap = 16 << 10, maxBytes = 1 << 20, windowMs = 0 } = config
  for (const [name, value] of Object.entries({ gap, maxBytes, windowMs })) {
    if (!(value >= 0))
      throw new DataplugError('INVALID_ARGUMENT', `coalescing ${name} must not be negative; got ${value}`)
  }
  const waiting = new Map<string, Call[]>()

  function enqueue(uri: string, ifMatch: string | undefined, range: Range, signal: AbortSignal | undefined) {
    const key = JSON.stringify([uri, ifMatch])
    return new Promise<Body>((resolve) => {
      const call: Call = { range, signal, resolve }
      const calls = waiting.get(key)
      if (calls) {
        calls.push(call)
        return
      }
      const batch = [call]
      waiting.set(key, batch)
      setTimeout(() => {
        waiting.delete(key)
        const present = batch.filter(({ signal }) => !signal?.aborted)
        for (const group of groupByDistance(present, gap, maxBytes)) send(uri, ifMatch, group)
      }, windowMs)
    })
  }

  function send(uri: string, ifMatch: string | undefined, group: readonly Call[]): void {
    const first = group[0]
    if (!first || group.length === 1) {
      first?.resolve('alone')
      return
    }
    const start = first.range[0]
    const range: Range = [start, Math.max(...group.map(({ range }) => range[1]))]
    const controller = new AbortController()
    let present = group.length
    const forget = group.map(({ signal }) =>
      onAbort(signal, () => {
        if (--present === 0) controller.abort(signal?.reason)
      }),
    )
    const shared = fetchShared(uri, range, { ifMatch, signal: controller.signal }).finally(() => {
      for (const forgetOne of forget) forgetOne()
    })
    shared.catch(() => {})
    for (const call of group) call.resolve({ shared, from: call.range[0] - start })
  }

  async function fetchShared(uri: string, range: Range, options: ReadOptions): Promise<Shared> {
    let info: ObjectInfo | undefined
    const onInfo = (seen: ObjectInfo) => {
      info = seen
    }
    const bytes = await collect(store.read(uri, range, { ...options, onInfo }), range[1] - range[0])
    if (!info)
      throw new DataplugError('UNSUPPORTED', `the store of ${uri} does not tell what it read`, { uri })
    return { info, bytes }
  }

  async function* read(uri: string, range: Range, options: ReadOptions = {}) {
    const { signal, ifMatch, onInfo } = options
    signal?.throwIfAborted()
    const small = isRange(range) && range[1] - range[0] <= maxBytes && range[1] > range[0]
    const body = small ? await orAbort(enqueue(uri, ifMatch, range, signal), signal) : 'alone'
    if (body !== 'alone') {
      try {
        const { info, bytes } = await orAbort(body.shared, signal)
        onInfo?.(info)
        // A copy: callers must not see each other's changes, nor keep all bytes alive.
        yield bytes.slice(body.from, body.from + range[1] - range[0])
        return
      } catch (error) {
        if (!isDataplugError(error, 'RANGE_OUTSIDE_OBJECT')) throw error
      }
    }
    yield* store.read(uri, range, options)
  }

  return wrapStore(store, { read })
}

function groupByDistance(calls: readonly Call[], gap: number, maxBytes: number): Call[][] {
  const groups: Call[][] = []
  let start = 0
  let end = Number.NEGATIVE_INFINITY
  for (const call of [...calls].sort((a, b) => a.range[0] - b.range[0])) {
    const [from, to] = call.range
    const joined = groups.at(-1)
    if (joined && from - end <= gap && Math.max(end, to) - start <= maxBytes) {
      joined.push(call)
      end = Math.max(end, to)
    } else {
      groups.push([call])
      start = from
      end = to
    }
  }
  return groups
}
