import { DataplugError } from '../errors.js'
import type { StorageConfig } from '../storage/config.js'
import type { CallOptions, ReadableStore } from '../storage/store.js'
import { type SharedStore, sharedStore } from './shared-store.js'

type OpenStorage = (config: StorageConfig) => ReadableStore
/** Makes a local file the object `uri`. */
type UploadFile = (
  file: string | URL,
  uri: string,
  config: StorageConfig,
  options: CallOptions,
) => Promise<void>

interface Opened {
  readonly shared: SharedStore
  /** Objects that are open. */
  users: number
}

let openStorage: OpenStorage | undefined
let uploadFile: UploadFile | undefined
let opened = new WeakMap<StorageConfig, Opened>()
const defaults: StorageConfig = {}

/** Called by each entry point with the stores its host has. This layer runs in all of them. */
export function useStorage(open: OpenStorage, upload?: UploadFile): void {
  openStorage = open
  uploadFile = upload
  opened = new WeakMap()
}

/** Where an object's bytes come from; with neither, the stores of this host with their defaults. */
export interface StorageOptions {
  /**
   * Options for the built-in stores: plain data, so that worker threads can open the same. What is given the same
   * object, such as an object and its slices, shares connections.
   */
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
  const config = storage ?? defaults
  let entry = opened.get(config)
  if (!entry) {
    entry = { shared: sharedStore(openStorage(config)), users: 0 }
    opened.set(config, entry)
  }
  return { store: entry.shared.store, storage: config }
}

/** @throws UNSUPPORTED where there are no files, or for a store that is an object; and as `uploadFile` */
export async function upload(
  file: string | URL,
  uri: string,
  { storage, store }: StorageOptions,
  options: CallOptions,
): Promise<void> {
  if (!uploadFile) {
    throw new DataplugError('UNSUPPORTED', 'files are uploaded by Node only: import "dataplug" there', {
      uri,
    })
  }
  if (store) {
    const text = 'a file cannot be uploaded to a store given as an object; pass "storage" options'
    throw new DataplugError('UNSUPPORTED', text, { uri })
  }
  await uploadFile(file, uri, storage ?? defaults, options)
}

/**
 * Keeps the store that `resolveStorage` gives for these options open. Returns what lets go of it: the last one
 * to do so closes its connections, once nothing is under way. A store of one's own, and the one without options, stay.
 */
export function holdStorage({ storage, store }: StorageOptions): () => Promise<void> {
  const entry = storage && !store ? opened.get(storage) : undefined
  if (!storage || !entry) return async () => {}
  entry.users++
  let held = true
  return async () => {
    if (!held) return
    held = false
    entry.users--
    if (entry.users > 0) return
    if (opened.get(storage) === entry) opened.delete(storage)
    await entry.shared.close()
  }
}
