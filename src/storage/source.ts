import { checkRange, type Range } from '../range.js'
import {
  type ByteStream,
  type CallOptions,
  collect,
  type ObjectInfo,
  type ReadableStore,
  type ReadOptions,
} from './store.js'

/** Bytes of a source, and the form in which its object has them. */
export interface StoredBlock {
  /** Which bytes of the source; not empty. */
  readonly range: Range
  /**
   * The one BGZF block (SAM specification, 4.1) that holds these bytes and no others, as it is stored. Absent where there
   * is none.
   */
  readonly stored?: Uint8Array
  /**
   * The bytes of `range`: of a BGZF block inflated and checked when asked for. To be called before the next block is
   * asked for.
   *
   * @throws MALFORMED_DATA
   */
  content(): Promise<Uint8Array>
}

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
  /**
   * The bytes of `range`, streamed by one read as blocks that follow one another without a gap: for formats that hand on
   * what they need not look at. The first may begin before `range`, the last end after it. Those of a BGZF object have
   * `stored`, and are not inflated unless they are asked to be: what is checked is that header, size and number of bytes
   * of content are those of a block, that another follows, and that all lie within the content. Where an object turns
   * out to be no BGZF, its bytes come without. Absent when the source is the object as it is stored.
   *
   * @throws MALFORMED_DATA when a block is none, or the content ends before the range
   */
  blocks?(range: Range, options?: CallOptions): AsyncIterable<StoredBlock>
}

/** An object as it is stored, pinned to `info.etag`, all reads under one signal. */
export function openSource(store: ReadableStore, info: ObjectInfo, signal?: AbortSignal): Source {
  const { uri, size, etag } = info
  return sourceOf({ uri, size, etag }, (range, options) =>
    store.read(uri, range, { signal, ...options, ifMatch: etag }),
  )
}

/** Adds what is the same for every source to its `read`, and to its `blocks` if it has some. */
export function sourceOf(
  { uri, size, etag }: ObjectInfo,
  readChecked: Source['read'],
  blocksChecked?: NonNullable<Source['blocks']>,
): Source {
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
    ...(blocksChecked && {
      blocks: (range: Range, options?: CallOptions) => {
        checkRange(range, size, uri)
        return blocksChecked(range, options)
      },
    }),
  }
}
