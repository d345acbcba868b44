import { type Range, splitEvenly } from '../range.js'
import type { CsvOptions } from './csv/dialect.js'
import { type CsvAttributes, mergeCsv } from './csv/merge.js'
import { prepareCsv } from './csv/prepare.js'
import { rowsBefore } from './csv/row-edges.js'
import { scanCsv } from './csv/scan.js'
import { type CsvSlice, csvRanges, type HeaderParam, readCsv, rowSlices } from './csv/slice.js'
import { defineFormat, defineStrategy, type Index } from './format.js'
import { sizePerSlice, sliceCount } from './shared/params.js'
import { type RestStrategy, splitWithRest } from './shared/rest.js'

export type { CsvDialect, CsvOptions, CsvType } from './csv/dialect.js'
export type { CsvAttributes } from './csv/merge.js'
export type { CsvHeader } from './csv/prepare.js'
export type { CsvRecord } from './csv/records.js'
export type { CsvSlice, HeaderParam } from './csv/slice.js'
export type { CsvValue } from './csv/types.js'
export type { Column, Columns } from './shared/columns.js'
export type { RestStrategy } from './shared/rest.js'

/**
 * CSV (RFC 4180) and its relatives: any separator, quotes, line ends; UTF-8 or another superset of ASCII. What the first bytes do
 * not tell, or tell wrong, is given as `CsvOptions`: `preprocess({ formatOptions: { separator: ';' } })`.
 *
 * Slices are whole rows, each a CSV of its own with the object's header: `records()` gives `CsvRecord`s, `get()` the text.
 */
export const CSV = defineFormat<'csv', CsvAttributes, CsvSlice, string, CsvOptions>({
  name: 'csv',
  version: 1,
  module: import.meta.url,
  extensions: ['.csv', '.tsv', '.tab', '.psv'].flatMap((name) => [name, `${name}.gz`, `${name}.bgz`]),
  prepare: prepareCsv,
  scan: scanCsv,
  scansForward: () => true,
  merge: mergeCsv,
  ranges: csvRanges,
  read: readCsv,
})

/** The same format: its separator is told by the first bytes. */
export const TSV = CSV

/** Exactly `numChunks` slices of whole rows and about equal size; some are empty when there are fewer rows. */
export const partitionNumChunks = defineStrategy(
  CSV,
  'partitionNumChunks',
  async (index, { numChunks, header }: { readonly numChunks: number } & HeaderParam) =>
    rowSlices(index, await runsOfEqualSize(index, sliceCount('numChunks', numChunks)), header),
)

/** Slices of whole rows and about equal size, `chunkSize` bytes at most as far as rows allow. None is empty. */
export const partitionChunkSize = defineStrategy(
  CSV,
  'partitionChunkSize',
  async (index, { chunkSize, header }: { readonly chunkSize: number } & HeaderParam) => {
    const { size } = index
    const count = Math.ceil(size / sizePerSlice('chunkSize', chunkSize, size))
    const runs = (await runsOfEqualSize(index, count)).filter(([first, end], i) => i === 0 || first < end)
    return rowSlices(index, runs, header)
  },
)

/**
 * Slices of exactly `rowsPerChunk` rows. The last has the rest (`expand`, the default), or what is less than `rowsPerChunk` is added
 * to the last full one (`merge`).
 */
export const partitionChunkRows = defineStrategy(
  CSV,
  'partitionChunkRows',
  (
    index,
    {
      rowsPerChunk,
      strategy,
      header,
    }: { readonly rowsPerChunk: number; readonly strategy?: RestStrategy } & HeaderParam,
  ) => {
    const runs = splitWithRest('rowsPerChunk', index.attributes.totalRows, rowsPerChunk, strategy)
    // Slices tile the object also when it has a header and no row.
    const all: Range[] = runs.length === 0 && index.size > 0 ? [[0, 0]] : runs
    return rowSlices(index, all, header)
  },
)

/** `count` runs of rows that begin as near before the planned places as rows do. */
async function runsOfEqualSize(index: Index<CsvAttributes>, count: number): Promise<Range[]> {
  const { totalRows, start } = index.attributes
  const planned = splitEvenly(index.size - start, count).map(([from]) => start + from)
  const before = index.size > 0 ? await rowsBefore(index, planned) : planned.map(() => 0)
  const firsts = before.map((rows, i) => (i === 0 ? 0 : Math.min(rows, totalRows)))
  return firsts.map((first, i): Range => [first, firsts[i + 1] ?? totalRows])
}
