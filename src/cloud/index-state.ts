import { loadCore } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { AnyFormat } from '../formats/format.js'
import type { ObjectInfo, ReadableStore } from '../storage/store.js'
import { type IndexFile, openIndex } from './index-file.js'

/** The index of an object, as far as it is known: there, absent (perhaps with the reason), or unusable. */
export type IndexState =
  | { readonly kind: 'ready'; readonly file: IndexFile }
  | { readonly kind: 'absent'; readonly cause?: unknown }
  | { readonly kind: 'unusable'; readonly error: DataplugError }

export async function findIndex(
  store: ReadableStore,
  uri: string,
  signal?: AbortSignal,
): Promise<IndexState> {
  try {
    return { kind: 'ready', file: await openIndex(store, uri, await loadCore(), { signal }) }
  } catch (error) {
    if (isDataplugError(error, 'NOT_FOUND')) return { kind: 'absent' }
    // Stores answer so for what is not there when listing is not allowed: keep the reason for later.
    if (isDataplugError(error, 'ACCESS_DENIED')) return { kind: 'absent', cause: error }
    if (isDataplugError(error, 'INVALID_INDEX')) return { kind: 'unusable', error }
    throw error
  }
}

/** `index` if it was made of this object, for this format; else why it cannot be used. */
export function checkIndex(index: IndexState, format: AnyFormat, object: ObjectInfo): IndexState {
  if (index.kind !== 'ready') return index
  const { uri, header } = index.file
  const unusable = (code: 'STALE_INDEX' | 'INVALID_INDEX', what: string): IndexState => ({
    kind: 'unusable',
    error: new DataplugError(code, `the index ${uri} ${what}; preprocess ${object.uri} again`, { uri }),
  })
  if (header.size !== object.size || header.etag !== object.etag) {
    return unusable(
      'STALE_INDEX',
      `was made for ${header.size} bytes with ETag ${header.etag}, but the object has ${object.size} bytes and ETag ${object.etag}`,
    )
  }
  if (header.format !== format.name || header.formatVersion !== format.version) {
    return unusable(
      'INVALID_INDEX',
      `is of format ${header.format} version ${header.formatVersion}, not ${format.name} version ${format.version}`,
    )
  }
  return index
}
