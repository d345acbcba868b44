import { DataplugError } from '../errors.js'
import type { StorageConfig } from '../storage/config.js'
import type { ReadableStore } from '../storage/store.js'

type OpenStorage = (config: StorageConfig) => ReadableStore

let openStorage: OpenStorage | undefined
let shared: ReadableStore | undefined

/** Called by each entry point with the stores its host has. This layer runs in all of them. */
export function useStorage(open: OpenStorage): void {
  openStorage = open
  shared = undefined
}

/** Where an object's bytes come from; with neither, the stores of this host with their defaults. */
export interface StorageOptions {
  /** Options for the built-in stores: plain data, so that worker threads can open the same. */
  readonly storage?: StorageConfig | undefined
  /** A store of one's own. Executors that leave this thread cannot use it. */
  readonly store?: ReadableStore | undefined
}

export interface ResolvedStorage {
  readonly store: ReadableStore
  /** `undefined` when `store` was given as an object and so cannot be opened elsewhere. */
  readonly storage: StorageConfig | undefined
}

export function resolveStorage({ storage, store }: StorageOptions): ResolvedStorage {
  if (store) return { store, storage: undefined }
  if (!openStorage) {
    throw new DataplugError('UNSUPPORTED', 'no storage is set up: import "dataplug", or pass a store')
  }
  if (storage) return { store: openStorage(storage), storage }
  shared ??= openStorage({})
  return { store: shared, storage: {} }
}
