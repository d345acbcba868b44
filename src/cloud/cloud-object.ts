import { type Access, spansFor } from '../compression/access.js'
import type { CompressionKind } from '../compression/detect.js'
import type { GzipIndex } from '../compression/gzip-index.js'
import { decodeSeekTable, type SeekTable } from '../compression/seek-table.js'
import { DataplugError } from '../errors.js'
import type {
  AnyFormat,
  AttributesOf,
  Index,
  JsonObject,
  LineCheckpoints,
  OptionsOf,
  Strategy,
  ValueOf,
} from '../formats/format.js'
import type { Range } from '../range.js'
import { blobStore, blobUri } from '../storage/blob.js'
import { memoryStore } from '../storage/memory.js'
import type { CallOptions, ObjectInfo, ReadableStore, Store } from '../storage/store.js'
import { canonicalUri, indexUri } from '../storage/uri.js'
import {
  holdStorage,
  type ResolvedStorage,
  resolveStorage,
  type StorageOptions,
  upload,
} from './environment.js'
import { type Identified, identify } from './identify.js'
import type { IndexFile } from './index-file.js'
import { checkIndex, findIndex, type IndexState } from './index-state.js'
import { inlineWindows } from './inline-windows.js'
import { LINE_VERSION } from './line.js'
import { removeIndex } from './parts.js'
import { sameOptions } from './prepare.js'
import { type PreprocessOptions, preprocess } from './preprocess.js'
import { Slice } from './slice.js'

export interface OpenOptions extends StorageOptions, CallOptions {
  /**
   * Where the index lies: a URI ending in `/` is a folder, anything else the index itself. Default: beside the
   * object, as `<uri>.dataplug`.
   */
  readonly metadata?: string | undefined
}

export interface PartitionOptions extends CallOptions {
  /**
   * Put what is needed from the index into each slice of a compressed object, so that reading one is one
   * request instead of two. Makes a slice's line some kilobytes longer.
   */
  readonly selfContained?: boolean | undefined
}

/**
 * One object in a store, seen as one format. Opening costs one request for the object and one small one for
 * its index; all later reads are pinned to the ETag seen then.
 */
export class CloudObject<F extends AnyFormat = AnyFormat> implements AsyncDisposable {
  readonly format: F
  readonly #info: ObjectInfo
  readonly #compression: CompressionKind | undefined
  readonly #storage: ResolvedStorage
  readonly #options: StorageOptions
  readonly #indexUri: string
  readonly #release: () => Promise<void>
  #index: IndexState

  private constructor(
    format: F,
    { info, compression }: Identified,
    storage: ResolvedStorage,
    options: StorageOptions,
    indexLocation: string,
    index: IndexState,
    release: () => Promise<void>,
  ) {
    this.format = format
    this.#info = info
    this.#compression = compression
    this.#storage = storage
    this.#options = options
    this.#indexUri = indexLocation
    this.#index = index
    this.#release = release
  }

  /**
   * Opens an object by URI (`s3://`, `https://`, `file://`), path, or as a `Blob`. The index of a Blob is kept
   * in memory, for as long as the object opened here and its slices are.
   *
   * @throws NOT_FOUND, ACCESS_DENIED, INVALID_URI, INVALID_ARGUMENT, and the transport codes. A missing or unusable index is no
   * error here: `isPreprocessed()` tells, and whatever needs the index throws.
   */
  static async open<F extends AnyFormat>(
    format: F,
    location: string | URL | Blob,
    options: OpenOptions = {},
  ): Promise<CloudObject<F>> {
    const isBlob = typeof Blob !== 'undefined' && location instanceof Blob
    const storageOptions: StorageOptions = isBlob
      ? { store: withIndexInMemory(blobStore(location), blobUri(location)) }
      : { store: options.store, storage: options.storage }
    const storage = resolveStorage(storageOptions)
    const uri = isBlob ? blobUri(location) : canonicalUri(String(location))
    if (isBlob && options.metadata !== undefined) {
      const message = `the index of ${uri} is kept in memory; "metadata" is for objects that have a URI elsewhere`
      throw new DataplugError('INVALID_ARGUMENT', message, { uri })
    }
    const at = indexUri(uri, options.metadata)
    const release = holdStorage(storageOptions)
    try {
      const [found, index] = await Promise.all([
        identify(storage.store, uri, options.signal),
        // That of a Blob is made anew each time.
        isBlob ? ({ kind: 'absent' } as const) : findIndex(storage.store, at, options.signal),
      ])
      const state = checkIndex(index, format, found.info)
      return new CloudObject(format, found, storage, storageOptions, at, state, release)
    } catch (error) {
      await release()
      throw error
    }
  }

  /** As `open`, for `s3://` URIs only. Kept from Python. */
  static fromS3<F extends AnyFormat>(
    format: F,
    uri: string,
    options: OpenOptions = {},
  ): Promise<CloudObject<F>> {
    if (!uri.startsWith('s3://')) {
      throw new DataplugError('INVALID_URI', `${uri} is not an s3:// URI; use CloudObject.open`, { uri })
    }
    return CloudObject.open(format, uri, options)
  }

  /**
   * Uploads a local file to `uri` (`s3://`, `file://` or a path), whole or not at all, and opens it there. An
   * object that is there already is replaced, as in Python; its index is then stale. Node only.
   *
   * @param file path or `file:` URL
   * @throws NOT_FOUND, ACCESS_DENIED, STORE_READ_ONLY, STORE_FULL, OBJECT_CHANGED when the file changes meanwhile,
   * UNSUPPORTED in browsers and for other schemes, and the transport codes
   */
  static async newFromFile<F extends AnyFormat>(
    format: F,
    file: string | URL,
    uri: string,
    options: OpenOptions = {},
  ): Promise<CloudObject<F>> {
    await upload(file, canonicalUri(uri), options, { signal: options.signal })
    return CloudObject.open(format, uri, options)
  }

  /**
   * Removes the index of an object, which need not exist any more, and the remains of interrupted runs; never the
   * object.
   *
   * @throws INVALID_URI, ACCESS_DENIED, STORE_READ_ONLY, and the transport codes
   */
  static async removeIndex(location: string | URL, options: OpenOptions = {}): Promise<void> {
    const { metadata, signal } = options
    const at = indexUri(canonicalUri(String(location)), metadata)
    const { store } = resolveStorage(options)
    const release = holdStorage(options)
    try {
      await removeIndex(store, at, { signal })
    } finally {
      await release()
    }
  }

  get uri(): string {
    return this.#info.uri
  }
  /** Bytes of the stored object. */
  get size(): number {
    return this.#info.size
  }
  get etag(): string {
    return this.#info.etag
  }
  /** How the object is compressed, told by its first bytes. */
  get compression(): CompressionKind | undefined {
    return this.#compression
  }
  /** Where the index is, or would be. */
  get indexUri(): string {
    return this.#indexUri
  }
  /** @internal */
  get storage(): ResolvedStorage {
    return this.#storage
  }

  /** Facts found by preprocessing. @throws NOT_PREPROCESSED, STALE_INDEX, INVALID_INDEX */
  get attributes(): AttributesOf<F> {
    return this.#requireIndex().header.attributes as AttributesOf<F>
  }

  /** Whether there is an index that fits this object and this format. */
  isPreprocessed(): boolean {
    return this.#index.kind === 'ready'
  }

  /**
   * Reads the object once and publishes its index. Does nothing when there is a fitting one, made with the same
   * `formatOptions` if any are given, unless `force`; an interrupted run is taken up where it stopped.
   *
   * @throws OBJECT_CHANGED when the object is replaced meanwhile, STORE_READ_ONLY or STORE_FULL when the index
   * cannot be written, MALFORMED_DATA when the object is not of this format
   */
  async preprocess(options: PreprocessOptions<OptionsOf<F>> = {}): Promise<void> {
    const index = this.#index
    const fits = index.kind === 'ready' && sameOptions(index.file.header.options, options.formatOptions)
    if (fits && !options.force) return
    await this.buildIndex(options)
  }

  /** @internal @param known the structure of a compressed object, when it need not be looked for */
  async buildIndex(options: PreprocessOptions<JsonObject>, known?: GzipIndex): Promise<void> {
    const [object, compression, at] = [this.#info, this.#compression, this.#indexUri]
    await preprocess(this.format, object, compression, at, this.#storage, options, known)
    const found = await findIndex(this.#storage.store, this.#indexUri, options.signal)
    this.#index = checkIndex(found, this.format, this.#info)
    this.#requireIndex()
  }

  /**
   * Cuts the object into slices. Reads the index at most, never the object.
   *
   * @throws INVALID_ARGUMENT when a parameter is out of its domain or the strategy is another format's;
   * NOT_PREPROCESSED, STALE_INDEX, INVALID_INDEX when the strategy needs the index
   */
  async partition<Data extends JsonObject, Params>(
    strategy: Strategy<F['name'], AttributesOf<F>, Data, Params>,
    params: Params,
    options: PartitionOptions = {},
  ): Promise<Slice<ValueOf<F>>[]> {
    const { format, name, plan } = strategy
    if (format !== this.format.name) {
      throw new DataplugError(
        'INVALID_ARGUMENT',
        `${name} is a strategy for format "${format}", but ${this.uri} was opened as "${this.format.name}"`,
        { uri: this.uri },
      )
    }
    options.signal?.throwIfAborted()
    const planned = await plan(this.#indexView(options), params)
    const { uri, size, etag } = this.#info
    const accessTo = await this.#access(options)
    return planned.map(
      (data, id) =>
        new Slice<ValueOf<F>>(
          {
            dataplug: LINE_VERSION,
            kind: 'slice',
            format,
            version: this.format.version,
            strategy: name,
            uri,
            size,
            etag,
            id,
            of: planned.length,
            data,
            ...accessTo(data),
          },
          this.#options,
        ),
    )
  }

  /** Removes the index and the remains of interrupted runs; never the object. */
  async clean(options?: CallOptions): Promise<void> {
    await removeIndex(this.#storage.store, this.#indexUri, options)
    this.#index = { kind: 'absent' }
  }

  /** The opened index. @throws NOT_PREPROCESSED, STALE_INDEX, INVALID_INDEX */
  index(): IndexFile {
    return this.#requireIndex()
  }

  /**
   * Closes the connections that were opened for `storage` options, once nothing is under way; slices that are read
   * later open their own.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#release()
  }

  #indexView(options: CallOptions): Index<AttributesOf<F>> {
    const { uri, size, etag } = this.#info
    const file = () => this.#requireIndex()
    const compressed = this.#compression !== undefined
    const seekTable = () => this.#seekTable(options)
    return {
      uri,
      get size() {
        return compressed ? (file().header.compression?.size ?? 0) : size
      },
      etag,
      get attributes() {
        return file().header.attributes as AttributesOf<F>
      },
      section: (name, range) => file().section(name, range, options),
      sectionLength: (name) => file().sectionLength(name),
      get checkpoints() {
        return compressed && file().header.compression?.lineFeeds !== undefined
          ? async () => checkpoints(await seekTable())
          : undefined
      },
    }
  }

  async #seekTable(options: CallOptions): Promise<SeekTable> {
    return decodeSeekTable(await this.#requireIndex().section('gzip-points', undefined, options), this.uri)
  }

  /** For each slice's data, the `access` that its line needs: none when the object is not compressed. */
  async #access({
    selfContained,
    ...options
  }: PartitionOptions): Promise<(data: JsonObject) => { readonly access?: Access }> {
    if (this.#compression === undefined) return () => ({})
    const file = this.#requireIndex()
    const table = await this.#seekTable(options)
    const windows = file.locate('gzip-windows')
    const size = file.header.compression?.size ?? 0
    const inline = selfContained ? await file.section('gzip-windows', undefined, options) : undefined
    return (data) => {
      const ranges = this.format.ranges?.(data) ?? [data.range as unknown as Range]
      const spans = spansFor(ranges, table, this.#info.size)
      if (!inline) return { access: { kind: 'gzip', size, spans, windows } }
      const own = inlineWindows(spans, inline)
      return { access: { kind: 'gzip', size, spans: own } }
    }
  }

  #requireIndex(): IndexFile {
    const index = this.#index
    if (index.kind === 'ready') return index.file
    if (index.kind === 'unusable') throw index.error
    throw new DataplugError(
      'NOT_PREPROCESSED',
      `${this.uri} has no index at ${this.#indexUri}; call preprocess() first` +
        (index.cause instanceof Error ? ` (looking for it failed: ${index.cause.message})` : ''),
      { uri: this.uri, cause: index.cause },
    )
  }
}

/** `uri` in `store`, and room for its index beside it. */
function withIndexInMemory(store: ReadableStore, uri: string): Store {
  const memory = memoryStore()
  const storeOf = (asked: string) => (asked === uri ? store : memory)
  return {
    ...memory,
    head: (asked, options) => storeOf(asked).head(asked, options),
    read: (asked, range, options) => storeOf(asked).read(asked, range, options),
  }
}

function checkpoints(table: SeekTable): LineCheckpoints {
  return {
    length: table.length,
    offset: (i) => table.point(i).content,
    lineFeeds: (i) => table.point(i).lineFeeds,
    before: table.beforeLineFeed,
  }
}
