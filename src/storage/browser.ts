// Stores for browsers and other hosts without Node.
import { DataplugError } from '../errors.js'
import { blobStore, blobUri } from './blob.js'
import type { StorageConfig } from './config.js'
import { httpStore } from './http.js'
import { hardened, observed, routeStores, type Storage, type StorageHooks } from './router.js'
import type { ReadableStore } from './store.js'

export * from './common.js'

/** Connections that browsers open to one host. */
const BROWSER_SOCKETS = 6

export interface BrowserHooks extends StorageHooks {
  /** Blobs that can be read as `blob:<name>`. */
  readonly blobs?: Readonly<Record<string, Blob>> | undefined
}

/**
 * The stores of a browser behind one: `http:`, `https:`, and `blob:` for the blobs given. Requests that fail
 * for a passing reason are repeated, bodies resumed, long reads fetched in parallel parts, and their number is
 * bounded. Nothing here can be written.
 *
 * @throws INVALID_ARGUMENT for a configuration that cannot be; UNSUPPORTED, by a call, for other schemes
 */
export function openStorage(config: StorageConfig = {}, hooks: BrowserHooks = {}): Storage {
  const http = hardened(
    httpStore({ ...config.http, timeouts: config.timeouts }),
    config.http?.maxSockets ?? BROWSER_SOCKETS,
    config,
    hooks,
  )
  return routeStores(
    { http, https: http, blob: observed(blobRoute(hooks.blobs ?? {}), hooks) },
    {
      s3: 'in a browser use a presigned https: URL',
      file: 'in a browser open a File or Blob',
      path: 'in a browser give an http(s) URL, or a File or Blob',
      memory: 'pass memoryStore() as the `store` option',
    },
  )
}

function blobRoute(blobs: Readonly<Record<string, Blob>>): ReadableStore {
  const stores = new Map(
    Object.entries(blobs).map(([name, blob]) => [blobUri(blob, name), blobStore(blob, name)]),
  )
  const find = (uri: string): ReadableStore => {
    const store = stores.get(uri)
    if (store) return store
    throw new DataplugError('NOT_FOUND', `${uri}: no Blob of this name was given to openStorage`, { uri })
  }
  return {
    head: async (uri, options) => find(uri).head(uri, options),
    async *read(uri, range, options) {
      yield* find(uri).read(uri, range, options)
    },
  }
}
