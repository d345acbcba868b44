/** Where the server keeps buckets and objects. Whatever looks at several of them at once is synchronous, so
 * that no request ever sees half of another one's change. */

export interface ObjectFacts {
  /** Without quotes. */
  readonly etag: string
  /** Base64, of the whole object; absent for files that were not written through the server. */
  readonly crc32?: string
  /** Sent back with the object: content-type, cache-control, …, and x-amz-meta-*. */
  readonly headers: Readonly<Record<string, string>>
}

export interface StoredObject extends ObjectFacts {
  readonly key: string
  readonly size: number
  /** Milliseconds. */
  readonly modified: number
}

export interface OpenObject {
  readonly info: StoredObject
  /** Each piece is valid until the next one is asked for. Replacing the object does not touch it. */
  read(start: number, end: number): AsyncIterable<Uint8Array>
  close(): void
}

/** Bytes that have arrived and belong to no object yet. */
export interface Staged {
  readonly size: number
  read(): AsyncIterable<Uint8Array>
  discard(): Promise<void>
}

export interface Staging {
  /** The bytes may be kept: only such as nobody changes again, or as this same backend has yielded. */
  write(bytes: Uint8Array): Promise<void>
  finish(): Promise<Staged>
  discard(): Promise<void>
}

export interface Bucket {
  readonly name: string
  /** Milliseconds. */
  readonly created: number
}

export interface ObjectBackend {
  buckets(): Bucket[]
  hasBucket(bucket: string): boolean
  createBucket(bucket: string): void
  /** The bucket is empty. */
  deleteBucket(bucket: string): void
  /** In the order of their UTF-8 bytes. */
  keys(bucket: string): string[]
  stat(bucket: string, key: string): StoredObject | undefined
  open(bucket: string, key: string): OpenObject | undefined
  stage(): Staging
  /** Makes staged bytes an object, whole and at once. */
  publish(bucket: string, key: string, staged: Staged, facts: ObjectFacts): StoredObject
  remove(bucket: string, key: string): void
  close(): void
}

/** UTF-8 byte order; JavaScript's own order differs above U+FFFF. */
export function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
