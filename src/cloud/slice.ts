import { concat } from '../bytes.js'
import { loadCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { Reading } from '../formats/format.js'
import type { Columns } from '../formats/shared/columns.js'
import { decodeText, splitLines } from '../formats/shared/text-view.js'
import type { Range } from '../range.js'
import type { ByteStream, CallOptions } from '../storage/store.js'
import { type ResolvedStorage, resolveStorage, type StorageOptions } from './environment.js'
import { saveFile } from './files.js'
import { formatOf, parseLine, type SliceLine } from './line.js'
import { openSources } from './sources.js'
import { toReadableStream } from './web-stream.js'

/**
 * One partition of an object: a description, not data. Nothing is read before one of the reading methods
 * is called, and each call reads anew. `JSON.stringify` gives the one line that crosses machines; it holds
 * the object's URI, ETag and size, and never a credential.
 *
 * All reading methods throw OBJECT_CHANGED when the object is no longer the one that was cut.
 */
export class Slice<Value = unknown> {
  readonly #line: SliceLine
  readonly #storage: StorageOptions

  /** Use `CloudObject.partition` or `Slice.fromJSON`. */
  constructor(line: SliceLine, storage: StorageOptions = {}) {
    this.#line = line
    this.#storage = storage
  }

  /**
   * Revives a slice from its JSON line, or from the parsed line.
   *
   * @throws INVALID_SLICE when it is not one; an unknown format shows when the slice is read
   */
  static fromJSON<Value = unknown>(json: string | object, options: StorageOptions = {}): Slice<Value> {
    const line = parseLine(json)
    if (line.kind !== 'slice') {
      throw new DataplugError(
        'INVALID_SLICE',
        `a ${line.kind} line is not a slice; run it with "dataplug task"`,
        {
          uri: line.uri,
        },
      )
    }
    return new Slice<Value>(line, options)
  }

  toJSON(): SliceLine {
    return this.#line
  }

  get uri(): string {
    return this.#line.uri
  }
  /** Bytes that the slices of this partition tile: of the object, or of its content when it is compressed. */
  get contentSize(): number {
    return this.#line.access?.size ?? this.#line.size
  }
  get format(): string {
    return this.#line.format
  }
  /** Position among the slices of its partition, from 0. */
  get id(): number {
    return this.#line.id
  }
  /** Number of slices in its partition. */
  get of(): number {
    return this.#line.of
  }

  /** The format's natural value: for text a string. */
  async get(options?: CallOptions): Promise<Value> {
    const reading = await this.#open(options)
    if (reading.value) return reading.value()
    if (reading.textOffset !== undefined) return (await this.text(options)) as Value
    return (await join(reading.bytes())) as Value
  }

  /** The slice's bytes in one array. */
  async bytes(options?: CallOptions): Promise<Uint8Array<ArrayBuffer>> {
    return join((await this.#open(options)).bytes())
  }

  /** The slice's bytes as they arrive. Cancelling the stream releases the connection. */
  stream(options?: CallOptions): ReadableStream<Uint8Array> {
    return toReadableStream(this.chunks(options))
  }

  /** The same as `stream`, for `for await`. Leaving the loop releases the connection. */
  async *chunks(options?: CallOptions): AsyncGenerator<Uint8Array> {
    yield* (await this.#open(options)).bytes()
  }

  /**
   * Writes the slice's bytes to a local file, which appears whole or not at all; missing folders are made. Memory
   * does not grow with the slice. Node and Lambda only.
   *
   * @param path or `file:` URL; what is there is replaced
   * @throws UNSUPPORTED in browsers, STORE_READ_ONLY, STORE_FULL, INVALID_URI
   */
  async toFile(path: string | URL, options?: CallOptions): Promise<void> {
    await saveFile(path, this.chunks(options), options)
  }

  /**
   * The slice decoded as UTF-8. A byte order mark at the start of the object is left out.
   *
   * @throws INVALID_UTF8 with the offset in the object; UNSUPPORTED when the format is not text
   */
  async text(options?: CallOptions): Promise<string> {
    const pieces: string[] = []
    for await (const piece of this.#decode(options)) pieces.push(piece)
    return pieces.join('')
  }

  /** Lines without `\n` or `\r\n`. @throws as `text` */
  lines(options?: CallOptions): AsyncGenerator<string> {
    return splitLines(this.#decode(options))
  }

  /** The format's records. @throws UNSUPPORTED when it has none */
  async *records(options?: CallOptions): AsyncGenerator<unknown> {
    const reading = await this.#open(options)
    if (!reading.records) throw this.#unsupported('records')
    yield* reading.records()
  }

  /**
   * The format's records by column, in typed arrays; all of them in memory. `toArrow` of `dataplug/arrow` makes an Arrow table.
   *
   * @throws UNSUPPORTED when the format has no columns
   */
  async arrays(options?: CallOptions): Promise<Columns> {
    const reading = await this.#open(options)
    if (!reading.arrays) throw this.#unsupported('columns')
    return reading.arrays()
  }

  /**
   * The byte range of the object that this slice delivers, found by reading no more than its edges.
   *
   * @throws UNSUPPORTED for formats whose slices are no byte range
   */
  async extent(options?: CallOptions): Promise<Range> {
    const reading = await this.#open(options)
    if (!reading.extent) throw this.#unsupported('one byte extent')
    return reading.extent()
  }

  /** @internal What an executor needs to read this slice elsewhere. */
  storage(): ResolvedStorage {
    return resolveStorage(this.#storage)
  }

  async #open(options?: CallOptions): Promise<Reading<Value>> {
    options?.signal?.throwIfAborted()
    const [format, core] = await Promise.all([formatOf(this.#line), loadCore()])
    const { store } = this.storage()
    const sources = openSources(store, this.#line, core, options?.signal)
    return format.read(this.#line.data, { ...sources, core, signal: options?.signal }) as Reading<Value>
  }

  async *#decode(options?: CallOptions): AsyncGenerator<string> {
    const reading = await this.#open(options)
    if (reading.textOffset === undefined) throw this.#unsupported('text')
    yield* decodeText(reading.bytes(), { uri: this.uri, offset: reading.textOffset })
  }

  #unsupported(what: string): DataplugError {
    return new DataplugError('UNSUPPORTED', `slices of format "${this.format}" have no ${what}`, {
      uri: this.uri,
    })
  }
}

async function join(stream: ByteStream): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return concat(chunks)
}
