// What every host has.
export { blobStore, blobUri } from './blob.js'
export { type CoalescingConfig, withCoalescing } from './coalescing.js'
export type {
  FileConfig,
  HttpConfig,
  RetryConfig,
  S3Config,
  SplitConfig,
  StorageConfig,
  TimeoutConfig,
} from './config.js'
export { type HttpStoreOptions, httpStore } from './http.js'
export { withConcurrencyLimit } from './limit.js'
export { memoryStore } from './memory.js'
export {
  type CountedStore,
  countRequests,
  type StoreEvent,
  type StoreOperation,
  withMetrics,
} from './metrics.js'
export { withParallelParts } from './parts.js'
export { withRetry } from './retry.js'
export { routeStores, type Storage, type StorageHooks } from './router.js'
export * from './store.js'
export {
  basename,
  canonicalUri,
  childUri,
  displayUri,
  indexUri,
  parseS3Uri,
  scheme,
  siblingUri,
} from './uri.js'
