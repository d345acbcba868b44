import type { Core } from '../core/core.js'
import { DataplugError, type ErrorCode, isDataplugError } from '../errors.js'
import type { Part } from '../formats/format.js'
import {
  type CallOptions,
  isListable,
  isWritable,
  type ListableStore,
  type ObjectInfo,
  type ReadableStore,
  readBytes,
  type WritableStore,
} from '../storage/store.js'
import { decodePart } from './part.js'
import { runConcurrently } from './run-concurrently.js'

// Results of finished tasks, kept beside the index until it is published.

export function partsPrefix(indexUri: string): string {
  return `${indexUri}.parts/`
}

/** Small requests at once. */
const LANES = 8

/**
 * Results of an earlier, interrupted run under `prefix`. One that is damaged, or that another process removes at
 * this moment, counts as missing; so do all where listing is not permitted.
 */
export async function keptParts(
  store: ReadableStore,
  prefix: string,
  count: number,
  core: Core,
  signal: AbortSignal | undefined,
): Promise<Map<number, Part>> {
  const parts = new Map<number, Part>()
  if (count <= 1 || !isListable(store)) return parts
  const listed = await allBelow(store, prefix, { signal }).catch(unless('ACCESS_DENIED', []))
  await runConcurrently(
    listed,
    LANES,
    async ({ uri, size, etag }, laneSignal) => {
      const id = Number(uri.slice(uri.lastIndexOf('/') + 1))
      if (!Number.isSafeInteger(id) || id < 0 || id >= count) return
      try {
        const bytes = await readBytes(store, uri, [0, size], { signal: laneSignal, ifMatch: etag })
        parts.set(id, decodePart(bytes, core, uri))
      } catch (error) {
        const missing = (['INVALID_INDEX', 'NOT_FOUND', 'OBJECT_CHANGED'] as const).some((code) =>
          isDataplugError(error, code),
        )
        if (!missing) throw error
      }
    },
    signal,
  )
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

/** Removes what interrupted runs left. @throws ACCESS_DENIED, STORE_READ_ONLY where that is not permitted */
export async function removeParts(
  store: ReadableStore,
  indexUri: string,
  options: CallOptions = {},
): Promise<void> {
  if (!isListable(store) || !isWritable(store)) return
  await runConcurrently(
    await allBelow(store, partsPrefix(indexUri), options),
    LANES,
    ({ uri }, signal) => store.remove(uri, { signal }),
    options.signal,
  )
}

/** As `removeParts`, once the index is there: what may not be removed then does no harm. */
export async function removePartsIfPermitted(
  store: ReadableStore,
  indexUri: string,
  options?: CallOptions,
): Promise<void> {
  await removeParts(store, indexUri, options)
    .catch(unless('ACCESS_DENIED', undefined))
    .catch(unless('STORE_READ_ONLY', undefined))
}

async function allBelow(store: ListableStore, prefix: string, options: CallOptions): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  for await (const info of store.list(prefix, options)) found.push(info)
  return found
}

/** What stands in for an error of that code; any other is thrown again. */
function unless<T>(code: ErrorCode, value: T): (error: unknown) => T {
  return (error) => {
    if (isDataplugError(error, code)) return value
    throw error
  }
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
