import type { Core } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { Part } from '../formats/format.js'
import {
  type CallOptions,
  isListable,
  isWritable,
  type ReadableStore,
  readBytes,
  type WritableStore,
} from '../storage/store.js'
import { decodePart } from './part.js'

// Results of finished tasks, kept beside the index until it is published.

export function partsPrefix(indexUri: string): string {
  return `${indexUri}.parts/`
}

/** Results of an earlier, interrupted run under `prefix`. A damaged one counts as missing. */
export async function keptParts(
  store: ReadableStore,
  prefix: string,
  count: number,
  core: Core,
  signal: AbortSignal | undefined,
): Promise<Map<number, Part>> {
  const parts = new Map<number, Part>()
  if (count <= 1 || !isListable(store)) return parts
  for await (const { uri, size, etag } of store.list(prefix, { signal })) {
    const id = Number(uri.slice(uri.lastIndexOf('/') + 1))
    if (!Number.isSafeInteger(id) || id < 0 || id >= count) continue
    try {
      parts.set(id, decodePart(await readBytes(store, uri, [0, size], { signal, ifMatch: etag }), core, uri))
    } catch (error) {
      if (!isDataplugError(error, 'INVALID_INDEX')) throw error
    }
  }
  return parts
}

/** Removes the index and what interrupted runs left. */
export async function removeIndex(
  store: ReadableStore,
  indexUri: string,
  options?: CallOptions,
): Promise<void> {
  await requireWritable(store, indexUri).remove(indexUri, options)
  await removeParts(store, indexUri, options)
}

/** Removes what interrupted runs left. */
export async function removeParts(
  store: ReadableStore,
  indexUri: string,
  options?: CallOptions,
): Promise<void> {
  if (!isListable(store) || !isWritable(store)) return
  const uris: string[] = []
  for await (const { uri } of store.list(partsPrefix(indexUri), options)) uris.push(uri)
  for (const uri of uris) await store.remove(uri, options)
}

/** @throws STORE_READ_ONLY when nothing can ever be written through `store` */
export function requireWritable(store: ReadableStore, indexUri: string): WritableStore {
  if (isWritable(store)) return store
  throw new DataplugError(
    'STORE_READ_ONLY',
    `nothing can be written to ${indexUri}; name a place for the index with the "metadata" option`,
    { uri: indexUri },
  )
}
