import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import type { Source } from '../storage/source.js'
import type { ByteStream } from '../storage/store.js'
import type { Columns } from './shared/columns.js'

export type { Source, StoredBlock } from '../storage/source.js'

/** What `JSON.stringify` keeps as it is. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }
export type JsonObject = { readonly [key: string]: Json | undefined }

/** The object of a slice or inspection, and what lies beside it. */
export interface Sources {
  readonly main: Source
  /** The object whose URI is this one's with its last path segment replaced by `name`, if it exists. */
  sibling(name: string): Promise<Source | undefined>
  /** Objects below this one's URI, for formats that are folders. */
  list(): AsyncIterable<Source>
}

/** The byte range of the object that one task scans. */
export interface Chunk {
  readonly source: Source
  /** For a format that `scansForward`, `range[1]` may be where `stream()` has come to. */
  readonly range: Range
  readonly signal: AbortSignal | undefined
  /** The chunk is of the content of a compressed object. */
  readonly compressed?: boolean
  /** Its line feeds are counted already: see `checkpoints`. */
  readonly linesKnown?: boolean
  /** What `prepare` returned, the same for all chunks; absent when the format has none. */
  readonly prepared?: JsonObject | undefined
  /** What lies beside the object, such as its index by another program. Asked for by one chunk, if any. */
  readonly sibling: Sources['sibling']
  /**
   * The chunk's bytes in order. Each piece is valid only until the next is asked for: it may be a view of
   * a buffer that is filled again.
   */
  stream(): ByteStream
}

/** What a task returns: named values, each JSON or bytes. Small, since all parts meet in one place. */
export type Part = { readonly [name: string]: Json | Uint8Array }

/** The bytes of a section, or pieces of it in order, which then need not be joined first. */
export type SectionData = Uint8Array | readonly Uint8Array[]

/** What preprocessing leaves behind: small typed facts, and named byte sections readable by range. */
export interface Built<Attributes> {
  readonly attributes: Attributes
  readonly sections?: { readonly [name: string]: SectionData }
}

/** The index as a strategy sees it. Reading sections is the only I/O a strategy may do. */
export interface Index<Attributes> {
  readonly uri: string
  /** Size of the object in the bytes a format sees, so after decompression. */
  readonly size: number
  readonly etag: string
  /** @throws NOT_PREPROCESSED, STALE_INDEX, INVALID_INDEX */
  readonly attributes: Attributes
  /** Bytes `range` of a section, or all of it. @throws as `attributes`, and RANGE_OUTSIDE_OBJECT */
  section(name: string, range?: Range): Promise<Uint8Array>
  /** Bytes of a section. @throws as `attributes`, and INVALID_INDEX when there is no such section */
  sectionLength(name: string): number
  /**
   * For a compressed object: places in its content from which lines can be counted, found while it was
   * indexed. Absent for others.
   */
  readonly checkpoints?: (() => Promise<LineCheckpoints>) | undefined
}

/** Places in a text before which the line feeds are known. Place 0 is at 0. */
export interface LineCheckpoints {
  readonly length: number
  /** Offset of place `i`. */
  offset(i: number): number
  /** Line feeds before place `i`. */
  lineFeeds(i: number): number
  /** The last place with fewer than `lineFeeds` line feeds before it (`lineFeeds` from 1). */
  before(lineFeeds: number): number
}

/** What is known of the lines of a compressed object once it is indexed. */
export interface LineFacts {
  /** Lines of the content; what follows the last line feed, if anything, is a line. */
  readonly totalLines: number
  readonly endsWithNewline: boolean
}

/** How one slice is read. Nothing is requested until one of its members is called. */
export interface Reading<Value> {
  /** The slice's own bytes; where that makes sense a valid file of the format. */
  bytes(): ByteStream
  /** The natural value of the format, for `slice.get()`. Default: the text where there is one, else the bytes. */
  value?(): Promise<Value>
  /** The format's records. */
  records?(): AsyncIterable<unknown>
  /** The records by column, for `slice.arrays()`. */
  arrays?(): Promise<Columns>
  /**
   * Present when `text()` and `lines()` make sense: the offset in the object where the slice's bytes start,
   * or a lower bound when only reading would tell. 0 only when they start at the object's first byte.
   */
  textOffset?: number
  /**
   * The exact byte range of the object that the slice delivers (repeated headers not counted), found with
   * as few bytes as possible. `verify` proves with it that slices tile the object.
   */
  extent?(): Promise<Range>
}

export interface ReadContext extends Sources {
  readonly core: Core
  readonly signal: AbortSignal | undefined
}

/** The options of a format that has none. */
export type NoOptions = { readonly [name: string]: never }

/** What `merge` is told besides the parts. */
export interface MergeContext {
  readonly uri: string
  /** Bytes that were scanned: of the object, or of its content when it is compressed. */
  readonly size: number
  /** What `prepare` returned. */
  readonly prepared?: JsonObject | undefined
  /** The lines of a compressed object, where chunks were told `linesKnown`. */
  readonly lines?: LineFacts | undefined
}

export interface FormatDefinition<
  Name extends string,
  Attributes,
  Data extends JsonObject,
  Value,
  Options extends JsonObject = NoOptions,
> {
  /** Short, lower case, stable: it stands in every index and slice. */
  readonly name: Name
  /** Raised whenever index or slice data change their meaning. */
  readonly version: number
  /** `import.meta.url` of the defining module, so that a worker can import it. */
  readonly module: string
  /** File name endings that suggest the format, with the dot: `['.txt']`. */
  readonly extensions?: readonly string[]
  /** Whether an object that starts with `head` (up to 4096 bytes) looks like this format. */
  sniff?(head: Uint8Array): boolean
  /**
   * Once per preprocessing, before any chunk is scanned: what all tasks must agree on, such as a header or a dialect
   * told by the first bytes. Small reads only. Its result is plain JSON: it travels in every task line, so it
   * should be short, and tells plans apart when an interrupted run is taken up.
   *
   * @param options what the caller gave as `formatOptions`; checked here
   * @throws INVALID_ARGUMENT when an option is unknown or out of its domain, MALFORMED_DATA
   */
  prepare?(context: ReadContext, options: Options): Promise<JsonObject>
  /** Map: any chunk, nothing known about its neighbours. Runs in a worker. */
  scan?(chunk: Chunk, core: Core): Promise<Part>
  /**
   * Whether `scan`, given what `prepare` found, takes in all of `stream()` once, reads nothing else, and asks for
   * `range[1]` only after it; and `prepare` reads the first MiB at most, and finds the same whatever lies beyond it. Then
   * a compressed object is scanned while it is decoded to be indexed. Until it is, `main.size` in `prepare` is
   * `Number.MAX_SAFE_INTEGER`. Default: false.
   */
  scansForward?(prepared: JsonObject | undefined): boolean
  /** Reduce: the parts in order. Must not depend on how the object was cut. */
  merge?(parts: readonly Part[], source: MergeContext): Built<Attributes>
  /**
   * For formats that need no more than lines: what is built for a compressed object, whose lines are counted
   * while it is indexed. Then it is not scanned, and strategies use `index.checkpoints`.
   */
  fromLines?(facts: LineFacts): Built<Attributes>
  /** Instead of `scan` and `merge`, for formats with a header or directory. `prepared` as in `Chunk`. */
  inspect?(context: ReadContext & { readonly prepared?: JsonObject | undefined }): Promise<Built<Attributes>>
  /**
   * The ranges of the object (of its content, when it is compressed) that reading a slice begins with.
   * Default: `data.range`.
   */
  ranges?(data: Data): readonly Range[]
  /** @throws INVALID_SLICE when `data` is not what this format's strategies make. */
  read(data: Data, context: ReadContext): Reading<Value>
}

/** A format, as `defineFormat` returns it. The type parameters tie strategies and slices to it. */
export interface Format<
  Name extends string = string,
  Attributes = unknown,
  Data extends JsonObject = JsonObject,
  Value = unknown,
  Options extends JsonObject = NoOptions,
> extends FormatDefinition<Name, Attributes, Data, Value, Options> {}

// biome-ignore lint/suspicious/noExplicitAny: the variance of the five parameters differs; `any` is "some format"
export type AnyFormat = Format<any, any, any, any, any>

/** The type of a format's attributes. */
export type AttributesOf<F extends AnyFormat> = ReturnType<NonNullable<F['merge']>>['attributes']
/** What `slice.get()` gives for slices of a format. */
export type ValueOf<F extends AnyFormat> =
  F extends FormatDefinition<string, infer _A, infer _D, infer V, infer _O> ? V : never
/** What `preprocess` takes as `formatOptions` for a format. */
export type OptionsOf<F extends AnyFormat> =
  F extends FormatDefinition<string, infer _A, infer _D, infer _V, infer O> ? O : never

/** A strategy for one format (by its name), made by `defineStrategy`. */
export interface Strategy<Name extends string, Attributes, Data extends JsonObject, Params> {
  readonly format: Name
  /** The exported name, which the CLI and slices use. */
  readonly name: string
  /** Pure: index and parameters in, slice data out. */
  plan(index: Index<Attributes>, params: Params): readonly Data[] | Promise<readonly Data[]>
}

// biome-ignore lint/suspicious/noExplicitAny: as for AnyFormat
export type AnyStrategy = Strategy<string, any, JsonObject, any>

const known = new Map<string, AnyFormat>()
const knownStrategies = new Map<string, AnyStrategy>()

/**
 * Declares a format and makes it known by name in this process, so that `Slice.fromJSON` can find it.
 *
 * @throws INVALID_ARGUMENT when the definition is incomplete, or another module defined this name.
 */
export function defineFormat<
  Name extends string,
  Attributes,
  Data extends JsonObject,
  Value,
  Options extends JsonObject = NoOptions,
>(
  definition: FormatDefinition<Name, Attributes, Data, Value, Options>,
): Format<Name, Attributes, Data, Value, Options> {
  const { name, version, module, scan, merge, inspect } = definition
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `a format name is lower-case letters, digits and "-"; got "${name}"`,
    )
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new DataplugError('INVALID_ARGUMENT', `format ${name}: version must be an integer from 1`)
  }
  if ((scan === undefined) !== (merge === undefined) || (scan !== undefined && inspect !== undefined)) {
    throw new DataplugError('INVALID_ARGUMENT', `format ${name}: give scan and merge, or inspect, or none`)
  }
  const earlier = known.get(name)
  if (earlier && earlier.module !== module) {
    throw new DataplugError('INVALID_ARGUMENT', `format ${name} is already defined by ${earlier.module}`)
  }
  const format: Format<Name, Attributes, Data, Value, Options> = Object.freeze({ ...definition })
  known.set(name, format)
  return format
}

/**
 * Declares a strategy of `format`. `plan` is pure: it may read the index and nothing else. Slices must
 * tile the object, whatever the parameters.
 *
 * @param name the name under which the strategy is exported
 */
export function defineStrategy<
  Name extends string,
  Attributes,
  Data extends JsonObject,
  Value,
  Options extends JsonObject,
  Params,
>(
  format: Format<Name, Attributes, Data, Value, Options>,
  name: string,
  plan: (index: Index<Attributes>, params: Params) => readonly Data[] | Promise<readonly Data[]>,
): Strategy<Name, Attributes, Data, Params> {
  const strategy: Strategy<Name, Attributes, Data, Params> = Object.freeze({
    format: format.name,
    name,
    plan,
  })
  knownStrategies.set(`${format.name} ${name}`, strategy)
  return strategy
}

/** The formats defined in this process so far. */
export function definedFormats(): readonly AnyFormat[] {
  return [...known.values()]
}

/** The strategies defined for a format so far, in the order of their definition. */
export function definedStrategies(format: string): readonly AnyStrategy[] {
  return [...knownStrategies.values()].filter((strategy) => strategy.format === format)
}
