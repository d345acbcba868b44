// What a format is written with. Reaches nothing of any host, so that a plugin runs wherever slices do.
export type { Core } from './core/core.js'
export { DataplugError, type ErrorCode, isDataplugError } from './errors.js'
export {
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
  type Part,
  type ReadContext,
  type Reading,
  type Source,
  type Sources,
  type StoredBlock,
  type Strategy,
} from './formats/format.js'
export type { Column, Columns } from './formats/shared/columns.js'
export { integer, sizePerSlice, sliceCount } from './formats/shared/params.js'
export { isRange, type Range, rangeLength, splitBySize, splitEvenly } from './range.js'
export type { ByteStream } from './storage/store.js'
