import { DataplugError } from '../errors.js'
import { readOnly } from './answer.js'
import type { StorageConfig } from './config.js'
import { withConcurrencyLimit } from './limit.js'
import { type StoreEvent, withMetrics } from './metrics.js'
import { withParallelParts } from './parts.js'
import { withRetry } from './retry.js'
import { isListable, isWritable, type ReadableStore, type Store, writeContent } from './store.js'
import { displayUri, scheme } from './uri.js'

export interface StorageHooks {
  /** Told of every request as it is sent, retries and parts one by one. */
  readonly onEvent?: ((event: StoreEvent) => void) | undefined
}

/** What `openStorage` returns: disposing of it ends its requests and closes its connections. */
export type Storage = Store & AsyncDisposable

/**
 * One store out of several, chosen by the scheme of the URI (`s3`, `https`, …; `path` for what has none).
 * Where the chosen one cannot write, writing is STORE_READ_ONLY; where it cannot list, listing is UNSUPPORTED.
 *
 * @param advice what to do about a scheme that is not among them
 */
export function routeStores(
  routes: Readonly<Record<string, ReadableStore>>,
  advice: Readonly<Record<string, string>> = {},
): Storage {
  const find = (uri: string): ReadableStore => {
    const name = scheme(uri) ?? 'path'
    const store = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (store) return store
    const known = Object.keys(routes).filter((key) => key !== 'path')
    const text = name === 'path' ? 'a path cannot be opened here' : `no store for "${name}:" here`
    const hint = Object.hasOwn(advice, name)
      ? advice[name]
      : `there is ${known.map((key) => `${key}:`).join(', ')}`
    throw new DataplugError('UNSUPPORTED', `${displayUri(uri)}: ${text}; ${hint}`, { uri })
  }
  const findWritable = (uri: string) => {
    const store = find(uri)
    if (isWritable(store)) return store
    throw readOnly(uri, `${scheme(uri) ?? 'path'}: can only be read`)
  }
  return {
    head: async (uri, options) => find(uri).head(uri, options),
    async *read(uri, range, options) {
      yield* find(uri).read(uri, range, options)
    },
    write: async (uri, bytes, options) => findWritable(uri).write(uri, bytes, options),
    writeContent: async (uri, content, options) => writeContent(findWritable(uri), uri, content, options),
    remove: async (uri, options) => findWritable(uri).remove(uri, options),
    async *list(prefix, options) {
      const store = find(prefix)
      if (!isListable(store)) {
        throw new DataplugError('UNSUPPORTED', `${displayUri(prefix)}: ${scheme(prefix)}: has no listing`, {
          uri: prefix,
        })
      }
      yield* store.list(prefix, options)
    },
    async [Symbol.asyncDispose]() {
      for (const store of new Set(Object.values(routes))) {
        if (isDisposable(store)) await store[Symbol.asyncDispose]()
      }
    },
  }
}

function isDisposable(store: object): store is AsyncDisposable {
  return Symbol.asyncDispose in store
}

/** Puts around a network store what every one needs. */
export function hardened<S extends ReadableStore>(
  store: S,
  sockets: number,
  config: StorageConfig,
  hooks: StorageHooks,
): S {
  return withParallelParts(
    withRetry(withConcurrencyLimit(observed(store, hooks), sockets), config.retry),
    config.split,
  )
}

export function observed<S extends ReadableStore>(store: S, { onEvent }: StorageHooks): S {
  return onEvent ? withMetrics(store, onEvent) : store
}
