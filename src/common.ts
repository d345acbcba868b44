// What every entry point exports.
export { CloudObject, type OpenOptions } from './cloud/cloud-object.js'
export type { StorageOptions } from './cloud/environment.js'
export type { SliceFunction } from './cloud/execute.js'
export type { Environment, Executor, Work } from './cloud/executor.js'
export type { Prepared, SliceLine, TaskLine } from './cloud/line.js'
export { map } from './cloud/map.js'
export type { PreprocessOptions, Progress } from './cloud/preprocess.js'
export { Slice } from './cloud/slice.js'
export { type Tiling, type TilingFault, verifyTiling } from './cloud/verify.js'
export { DataplugError, type ErrorCode, isDataplugError } from './errors.js'
export { inline } from './executors/inline.js'
export {
  type AnyFormat,
  type AttributesOf,
  type Built,
  type Chunk,
  defineFormat,
  defineStrategy,
  type Format,
  type FormatDefinition,
  type Index,
  type Json,
  type JsonObject,
  type MergeContext,
  type NoOptions,
  type OptionsOf,
  type Part,
  type ReadContext,
  type Reading,
  type Source,
  type Sources,
  type Strategy,
  type ValueOf,
} from './formats/format.js'
export { findFormat, formatNames } from './formats/registry.js'
export type { Column, Columns } from './formats/shared/columns.js'
export type { Range } from './range.js'
export type { StorageConfig } from './storage/config.js'
export type {
  ByteStream,
  CallOptions,
  ListableStore,
  ObjectInfo,
  ReadableStore,
  ReadOptions,
  Store,
  WritableStore,
  WriteOptions,
} from './storage/store.js'
