import { checkRange, type Range } from '../range.js'
import {
  type ByteStream,
  type CallOptions,
  collect,
  type ObjectInfo,
  type ReadableStore,
  type ReadOptions,
} from './store.js'

/**
 * One object, pinned to one ETag: every read of it is of the same state or fails with OBJECT_CHANGED.
 * For a compressed object formats get a source of the decoded bytes, and never learn of it.
 */
export interface Source {
  readonly uri: string
  /** Bytes, as seen through `read`. */
  readonly size: number
  readonly etag: string
  /** Exactly the bytes of `range`, streamed. With `scratch`, a chunk is valid only until the next is asked for. */
  read(range: Range, options?: Pick<ReadOptions, 'signal' | 'scratch' | 'readAhead'>): ByteStream
  /** Exactly the bytes of `range`, in one array. For ranges known to be small. */
  bytes(range: Range, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>
}

/** An object as it is stored, pinned to `info.etag`, all reads under one signal. */
export function openSource(store: ReadableStore, info: ObjectInfo, signal?: AbortSignal): Source {
  const { uri, size, etag } = info
  return sourceOf({ uri, size, etag }, (range, options) =>
    store.read(uri, range, { signal, ...options, ifMatch: etag }),
  )
}

/** Adds what is the same for every source to its `read`. */
export function sourceOf({ uri, size, etag }: ObjectInfo, readChecked: Source['read']): Source {
  const read: Source['read'] = (range, options) => {
    checkRange(range, size, uri)
    return readChecked(range, options)
  }
  return {
    uri,
    size,
    etag,
    read,
    bytes: (range, options) => collect(read(range, options), range[1] - range[0]),
  }
}
