import type { SliceLine } from '../cloud/line.js'
import type { AnyFormat, AnyStrategy, JsonObject } from '../formats/format.js'

/** One check. `run` resolves when it holds and rejects with what to fix; hand both to any test runner. */
export interface ConformanceTest {
  readonly name: string
  run(): Promise<void>
}

/** An object to check a format with. Small ones (up to 256 bytes) are cut at every byte. */
export interface ConformanceObject {
  /** For messages, and the last segment of the object's URI: `sample.mbox`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** The bytes that slices tile, where they are not the object's own: for a compressed one its contents. */
  readonly content?: Uint8Array
  /** What lies beside the object, by name, for formats of several objects. */
  readonly siblings?: { readonly [name: string]: Uint8Array }
  /** Options of the format to preprocess this object with. */
  readonly formatOptions?: JsonObject
  /** Where this object's slices cost more than others', such as those of a compressed one. */
  readonly budget?: ConformanceBudget
}

/** What reading may cost. Bytes count as soon as they are asked for. */
export interface ConformanceBudget {
  /** Requests to read one slice. */
  readonly requestsPerSlice: number
  /** Bytes asked for beyond those a slice delivers; in preprocessing, beyond those of the chunk. */
  readonly overheadBytes: number
  /** Requests of one preprocessing task. Default 1. */
  readonly requestsPerTask?: number
  /** Length of a slice's JSON line. Default 4096. */
  readonly lineBytes?: number
}

export interface ConformanceStrategy {
  readonly strategy: AnyStrategy
  /** Each is tried on every object: one slice, some, and more slices than there are records. */
  readonly params: readonly object[]
  /** Where this strategy's slices cost more than the format's others. */
  readonly budget?: ConformanceBudget
}

export interface FormatConformanceOptions {
  /** At least one; the suite adds an empty one of its own. */
  readonly objects: readonly ConformanceObject[]
  /** All of the format's. */
  readonly strategies: readonly ConformanceStrategy[]
  readonly budget: ConformanceBudget
  /** A slice's bytes without the headers that the format documents to be repeated in each. Default: all. */
  readonly body?: (bytes: Uint8Array, slice: SliceLine) => Uint8Array
  /** False when slices are not stretches of the object in its order, such as tiles of an image. Default true. */
  readonly tiles?: boolean
  /** False when a strategy cuts records on purpose. Default true: all cuts give the same records. */
  readonly records?: boolean
  /** Slice data that `read` must refuse, derived from real data, besides what the suite forges itself. */
  readonly forged?: (data: JsonObject, object: ConformanceObject) => readonly JsonObject[]
  /** Run in worker threads too. Default: in Node. The format's module must be importable as it is. */
  readonly threads?: boolean
}

/** What every check is given. */
export interface Suite extends FormatConformanceOptions {
  readonly format: AnyFormat
}
