import { DataplugError } from '../errors.js'
import { type Range, splitBySize, splitEvenly } from '../range.js'
import { defineFormat, defineStrategy } from './format.js'
import {
  type GroupTable,
  inspectParquet,
  openGroupTable,
  type ParquetAttributes,
} from './parquet/group-index.js'
import type { ParquetRow } from './parquet/rows.js'
import { type ParquetSlice, parquetRanges, parquetSlice, readParquet } from './parquet/slice.js'
import { integer, sizePerSlice, sliceCount } from './shared/params.js'
import { type RestStrategy, splitWithRest } from './shared/rest.js'

export type { ParquetAttributes, ParquetColumn } from './parquet/group-index.js'
export type { ParquetRow } from './parquet/rows.js'
export type { ParquetSlice } from './parquet/slice.js'
export type { RestStrategy } from './shared/rest.js'

/**
 * Parquet (https://parquet.apache.org/docs/file-format). Preprocessing reads the footer and nothing else. Slices are row
 * groups, or rows of them: `records()` gives rows as objects, one row group at a time, `get()` all of them in an array, and
 * `bytes()` a Parquet file with the slice's row groups.
 */
export const Parquet = defineFormat<'parquet', ParquetAttributes, ParquetSlice, ParquetRow[]>({
  name: 'parquet',
  version: 1,
  module: import.meta.url,
  extensions: ['.parquet', '.pq', '.geoparquet'],
  sniff: (head) => new TextDecoder('latin1').decode(head.subarray(0, 4)) === 'PAR1',
  inspect: inspectParquet,
  ranges: parquetRanges,
  read: readParquet,
})

export interface RowGroups {
  /** Exactly this many slices, of about equal size in bytes; some are empty when there are fewer row groups. */
  readonly numChunks?: number
  /** Or this many row groups in each; the last may have fewer. Default 1. */
  readonly rowGroupsPerChunk?: number
  /** Names of top-level columns to read. Default: all. */
  readonly columns?: readonly string[]
}

/** Slices of whole row groups, in order. Give `numChunks` or `rowGroupsPerChunk`, not both. */
export const partitionRowGroups = defineStrategy(
  Parquet,
  'partitionRowGroups',
  async (index, params: RowGroups) => {
    const { numChunks, rowGroupsPerChunk } = params
    const columns = checkColumns(params.columns, index.attributes)
    if (numChunks !== undefined && rowGroupsPerChunk !== undefined) {
      throw new DataplugError('INVALID_ARGUMENT', 'give numChunks or rowGroupsPerChunk, not both')
    }
    const table = await openGroupTable(index)
    const { length } = table.groups
    const runs =
      numChunks === undefined
        ? splitBySize(
            length,
            integer('rowGroupsPerChunk', rowGroupsPerChunk ?? 1, 1, Number.MAX_SAFE_INTEGER),
          )
        : balanced(table, sliceCount('numChunks', numChunks))
    return runs.map((run) =>
      parquetSlice(table, run, [table.rowsBefore(run[0]), table.rowsBefore(run[1])], columns),
    )
  },
)

/**
 * Slices of exactly `rowsPerChunk` rows. The last has the rest (`expand`, the default), or what is less than
 * `rowsPerChunk` is added to the last full one (`merge`). A slice reads the whole row groups that its rows lie in.
 */
export const partitionNumRows = defineStrategy(
  Parquet,
  'partitionNumRows',
  async (
    index,
    params: {
      readonly rowsPerChunk: number
      readonly strategy?: RestStrategy
      readonly columns?: readonly string[]
    },
  ) => {
    const { numRows } = index.attributes
    const columns = checkColumns(params.columns, index.attributes)
    sizePerSlice('rowsPerChunk', params.rowsPerChunk, numRows)
    const table = await openGroupTable(index)
    let group = 0
    return splitWithRest('rowsPerChunk', numRows, params.rowsPerChunk, params.strategy).map((rows) => {
      while (table.rowsBefore(group + 1) <= rows[0]) group++
      let end = group
      while (table.rowsBefore(end) < rows[1]) end++
      return parquetSlice(table, [group, end], rows, columns)
    })
  },
)

/** Runs of row groups, cut where their bytes come nearest to even parts. */
function balanced({ groups }: GroupTable, count: number): Range[] {
  const ends = [0]
  for (const { data } of groups) ends.push((ends.at(-1) as number) + data[1] - data[0])
  let group = 0
  const starts = splitEvenly(ends.at(-1) as number, count).map(([start]) => {
    const distance = (i: number) => Math.abs((ends[i] as number) - start)
    while (group < groups.length && distance(group + 1) <= distance(group)) group++
    return group
  })
  return starts.map((start, i): Range => [i === 0 ? 0 : start, starts[i + 1] ?? groups.length])
}

function checkColumns(
  columns: readonly string[] | undefined,
  { columns: known }: ParquetAttributes,
): readonly string[] | undefined {
  if (columns === undefined) return undefined
  const names = known.map(({ name }) => name)
  const unknown = Array.isArray(columns) ? columns.find((name) => !names.includes(name)) : columns
  if (unknown === undefined && columns.length > 0) return [...new Set(columns)]
  throw new DataplugError(
    'INVALID_ARGUMENT',
    `columns must be an array of names of columns; there are ${names.slice(0, 20).join(', ')}` +
      `${names.length > 20 ? ', …' : ''}${typeof unknown === 'string' ? `, and no "${unknown}"` : ''}`,
  )
}
