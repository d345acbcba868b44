import type { StorageConfig } from './config.js'
import { httpStore } from './http.js'
import { loadedOnUse } from './lazy.js'
import { hardened, observed, routeStores, type Storage, type StorageHooks } from './router.js'
import { DEFAULT_SOCKETS, unlimitedS3Store } from './s3.js'

/**
 * All stores of Node behind one: `s3:`, `http:`, `https:`, `file:` and plain paths. Requests that fail for a
 * passing reason are repeated, bodies resumed, long reads fetched in parallel parts, and their number is
 * bounded. Nothing is loaded or opened before the first call that needs it.
 *
 * @throws INVALID_ARGUMENT for a configuration that cannot be; UNSUPPORTED, by a call, for other schemes
 */
export function openStorage(config: StorageConfig = {}, hooks: StorageHooks = {}): Storage {
  const { timeouts } = config
  const s3 = unlimitedS3Store({ ...config.s3, timeouts })
  const http = hardened(
    httpStore({ ...config.http, timeouts }),
    config.http?.maxSockets ?? DEFAULT_SOCKETS,
    config,
    hooks,
  )
  // Node's own file functions take longer to load than all of this.
  const file = observed(
    loadedOnUse(async () => (await import('./file.js')).fileStore(config.file)),
    hooks,
  )
  return routeStores(
    {
      s3: hardened(s3, config.s3?.maxSockets ?? DEFAULT_SOCKETS, config, hooks),
      http,
      https: http,
      file,
      path: file,
    },
    {
      memory: 'other threads and processes could not see it; pass memoryStore() as the `store` option',
      blob: 'open the Blob itself, or pass blobStore(blob) as the `store` option',
      gs: 'use the https: URL of the object, signed if it is not public',
      az: 'use the https: URL of the object, with a SAS if it is not public',
    },
  )
}
