import type { Range } from '../range.js'

/** What identifies one state of one object. */
export interface ObjectInfo {
  readonly uri: string
  /** Bytes. */
  readonly size: number
  /**
   * Opaque; equal for equal content of one URI. Stores without ETags derive one (files: size, mtime and
   * inode). Compared as a string, quotes and all.
   */
  readonly etag: string
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface WriteOptions extends CallOptions {
  /**
   * Whether the bytes must outlive a loss of power once the call has returned. Default true. A store that writes to a
   * disk saves time with `false`, for what can be made again and shows when it is damaged.
   */
  readonly durable?: boolean | undefined
}

export interface ReadOptions extends CallOptions {
  /** Read only while the object still has this ETag; otherwise OBJECT_CHANGED, before any byte. */
  readonly ifMatch?: string | undefined
  /** Told once, before the first byte, which state of the object is being read. */
  readonly onInfo?: ((info: ObjectInfo) => void) | undefined
  /**
   * A buffer that the store may fill again and again: each chunk is then valid only until the next one is
   * asked for. For consumers that are done with a chunk at once, such as scans; a store may ignore it.
   */
  readonly scratch?: Uint8Array | undefined
  /**
   * The consumer takes longer over a chunk than reading one takes: a store that would otherwise keep the thread waiting
   * reads the next one meanwhile. A store may ignore it.
   */
  readonly readAhead?: boolean | undefined
}

/**
 * Bytes in order, in pieces of any size. Nothing is requested before the first `next()`; leaving a
 * `for await` loop early releases the connection. Errors are thrown by `next()`.
 */
export type ByteStream = AsyncIterable<Uint8Array>

/**
 * All that reading needs. An implementation yields exactly `end - start` bytes or throws; it never pads,
 * truncates or returns the bytes of another state of the object than the one pinned.
 */
export interface ReadableStore {
  /** @throws NOT_FOUND, ACCESS_DENIED, and the transport codes. */
  head(uri: string, options?: CallOptions): Promise<ObjectInfo>
  /** @throws RANGE_OUTSIDE_OBJECT, OBJECT_CHANGED, NOT_FOUND, ACCESS_DENIED, and the transport codes. */
  read(uri: string, range: Range, options?: ReadOptions): ByteStream
}

/**
 * Where an index is published. Separate from `ReadableStore`, so that a store that cannot write is a
 * matter of type; nothing but index objects is ever written through it.
 */
export interface WritableStore {
  /**
   * Whole or not at all: a reader sees the old object or the new one. The caller may do as it likes with `bytes` once this
   * has returned. @throws STORE_READ_ONLY, STORE_FULL. */
  write(uri: string, bytes: Uint8Array, options?: WriteOptions): Promise<void>
  /** As `write`, for content that need not be in memory at once. Absent where a store has nothing better. */
  writeContent?(uri: string, content: Content, options?: CallOptions): Promise<void>
  /** Removing what is not there is no error. */
  remove(uri: string, options?: CallOptions): Promise<void>
}

/** Bytes that are made when they are written, perhaps more than once. */
export interface Content {
  readonly length: number
  /** `length` bytes in order. Each piece is valid until the next is asked for. */
  pieces(): Iterable<Uint8Array>
}

/** Stores that can enumerate: for objects that are folders, and for resuming. */
export interface ListableStore {
  /** Objects whose URI starts with `prefix`, in the byte order of their URIs. */
  list(prefix: string, options?: CallOptions): AsyncIterable<ObjectInfo>
}

/** A store that has everything, as file, S3 and memory stores do. */
export type Store = ReadableStore & WritableStore & ListableStore

export function isWritable(store: object): store is WritableStore {
  return 'write' in store && 'remove' in store
}

export function isListable(store: object): store is ListableStore {
  return 'list' in store
}

/** Writes `content` as one object, without having it in memory at once where the store can do so. */
export async function writeContent(
  store: WritableStore,
  uri: string,
  content: Content,
  options?: CallOptions,
): Promise<void> {
  if (store.writeContent) return store.writeContent(uri, content, options)
  await store.write(uri, contentBytes(content), options)
}

/** All of `content` in one array. */
export function contentBytes({ length, pieces }: Content): Uint8Array {
  const bytes = new Uint8Array(length)
  let filled = 0
  for (const piece of pieces()) {
    bytes.set(piece, filled)
    filled += piece.length
  }
  return bytes
}

/** The whole range in one array of exactly `end - start` bytes. */
export async function readBytes(
  store: ReadableStore,
  uri: string,
  range: Range,
  options?: Omit<ReadOptions, 'scratch'>,
): Promise<Uint8Array<ArrayBuffer>> {
  return collect(store.read(uri, range, options), range[1] - range[0])
}

/** Concatenates a stream whose length is known. */
export async function collect(stream: ByteStream, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const chunk of stream) {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  return filled === length ? bytes : bytes.slice(0, filled)
}
