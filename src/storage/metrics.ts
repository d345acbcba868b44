import type { Range } from '../range.js'
import {
  isListable,
  isWritable,
  type ObjectInfo,
  type ReadableStore,
  type ReadOptions,
  writeContent,
} from './store.js'
import { wrapStore } from './wrap.js'

export type StoreOperation = 'head' | 'read' | 'write' | 'remove' | 'list'

/** One thing that happened to one call of a store. */
export interface StoreEvent {
  /** `request` when it begins, then one of `done` (also when a body was left early) and `error`. */
  readonly kind: 'request' | 'done' | 'error'
  readonly operation: StoreOperation
  readonly uri: string
  readonly range: Range | undefined
  /** Bytes delivered or, by a write, sent. 0 in a `request`. */
  readonly bytes: number
  /** Since the request. */
  readonly ms: number
  readonly etag: string | undefined
  readonly error: unknown
}

/**
 * Tells of every call. Put it directly around a store to see requests as they are sent, around other wrappers
 * to see what callers ask for.
 */
export function withMetrics<S extends ReadableStore>(store: S, onEvent: (event: StoreEvent) => void): S {
  function begin(operation: StoreOperation, uri: string, range?: Range) {
    const started = performance.now()
    const tell = (kind: StoreEvent['kind'], bytes: number, etag?: string, error?: unknown) => {
      onEvent({ kind, operation, uri, range, bytes, ms: performance.now() - started, etag, error })
    }
    tell('request', 0)
    return tell
  }

  async function call<T>(
    operation: StoreOperation,
    uri: string,
    run: () => Promise<T>,
    bytes = 0,
  ): Promise<T> {
    const tell = begin(operation, uri)
    try {
      const result = await run()
      tell('done', bytes, isInfo(result) ? result.etag : undefined)
      return result
    } catch (error) {
      tell('error', 0, undefined, error)
      throw error
    }
  }

  async function* read(uri: string, range: Range, options: ReadOptions = {}) {
    const tell = begin('read', uri, range)
    let bytes = 0
    let etag: string | undefined
    let failure: { readonly error: unknown } | undefined
    const onInfo = (info: ObjectInfo) => {
      etag = info.etag
      options.onInfo?.(info)
    }
    try {
      for await (const chunk of store.read(uri, range, { ...options, onInfo })) {
        bytes += chunk.length
        yield chunk
      }
    } catch (error) {
      failure = { error }
      throw error
    } finally {
      tell(failure ? 'error' : 'done', bytes, etag, failure?.error)
    }
  }

  return wrapStore(store, {
    read,
    head: (uri, options) => call('head', uri, () => store.head(uri, options)),
    ...(isWritable(store) && {
      write: (uri, bytes, options) =>
        call('write', uri, () => store.write(uri, bytes, options), bytes.length),
      writeContent: (uri, content, options) =>
        call('write', uri, () => writeContent(store, uri, content, options), content.length),
      remove: (uri, options) => call('remove', uri, () => store.remove(uri, options)),
    }),
    ...(isListable(store) && {
      async *list(prefix, options) {
        const tell = begin('list', prefix)
        let failure: { readonly error: unknown } | undefined
        try {
          yield* store.list(prefix, options)
        } catch (error) {
          failure = { error }
          throw error
        } finally {
          tell(failure ? 'error' : 'done', 0, undefined, failure?.error)
        }
      },
    }),
  })
}

function isInfo(value: unknown): value is ObjectInfo {
  return typeof value === 'object' && value !== null && 'etag' in value
}

/** A store that is watched, and what was asked of it so far. */
export interface CountedStore<S extends ReadableStore> {
  readonly store: S
  /** Calls of any operation. */
  readonly requests: number
  /** Bytes that reads delivered. */
  readonly bytesFetched: number
  /** Every event, oldest first. */
  readonly events: readonly StoreEvent[]
  reset(): void
}

/** Counts calls and bytes, for tests of request and byte budgets. */
export function countRequests<S extends ReadableStore>(store: S): CountedStore<S> {
  const events: StoreEvent[] = []
  return {
    store: withMetrics(store, (event) => events.push(event)),
    get requests() {
      return events.filter(({ kind }) => kind === 'request').length
    },
    get bytesFetched() {
      return events.reduce((sum, { operation, bytes }) => sum + (operation === 'read' ? bytes : 0), 0)
    },
    events,
    reset() {
      events.length = 0
    },
  }
}
