import { isTexts } from '../../checks.js'
import type { RowScanner } from '../../core/core.js'
import { ROW_START } from '../../core/rows.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Index, ReadContext, Reading, Source } from '../format.js'
import { notASlice } from '../shared/not-a-slice.js'
import { decodeText } from '../shared/text-view.js'
import { parseColumns } from './columns.js'
import { type CsvDialect, dialectBytes, isDialect } from './dialect.js'
import type { CsvAttributes } from './merge.js'
import type { CsvHeader } from './prepare.js'
import { type CsvRecord, parseRecords, type RecordsContext } from './records.js'
import { findRows, isRowEdges, locateRows, type RowEdges, readRows, rowEdges } from './row-edges.js'
import { columnNames, splitRows } from './split.js'
import { packTypes, unpackTypes } from './types.js'

/** A slice of exactly the rows `[rows[0], rows[1])`; the other members are those of `RowEdges`, and how to read it. */
export type CsvSlice = RowEdges & {
  readonly rows: Range
  readonly dialect: CsvDialect
  readonly columns: number
  /** Of the columns, as `packTypes` writes them. */
  readonly types: string
  /** Texts that are null; absent when there are none. */
  readonly nullValues?: readonly string[]
  /** The header row, with its text when it is short; absent when there is none. */
  readonly header?: CsvHeader
  /** Names of the columns, where those of the header are not used. */
  readonly names?: readonly string[]
  /** The first slice: what lies before its first row, so the header and a byte order mark, is part of it. */
  readonly lead?: number
  /** The header is not wanted in the slice's bytes. */
  readonly bare?: true
}

/** Whether slices begin with the object's header row. Default true. */
export interface HeaderParam {
  readonly header?: boolean
}

/**
 * A slice for each run of rows. The runs follow one another from row 0 to the last; those at the end may be empty.
 *
 * @param withHeader whether slices begin with the header; checked here
 */
export async function rowSlices(
  index: Index<CsvAttributes>,
  runs: readonly Range[],
  withHeader = true,
): Promise<CsvSlice[]> {
  if (typeof withHeader !== 'boolean') {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `header must be true or false; got ${JSON.stringify(withHeader)}`,
    )
  }
  const { attributes, size } = index
  const { totalRows, header, renamed, columns, dtypes, dialect, nullValues, start } = attributes
  const filled = runs.filter(([first], i) => i === 0 || first < totalRows)
  const places = await locateRows(
    index,
    start,
    filled.map(([first]) => first),
  )
  const common = {
    dialect,
    columns: columns.length,
    types: packTypes(columns.map((column) => dtypes[column] ?? 'string')),
    ...(nullValues && { nullValues }),
    ...(header ? { header } : {}),
    ...(renamed ? { names: columns } : {}),
    ...(withHeader ? {} : { bare: true as const }),
  }
  return runs.map((rows, i) => {
    const place = places[i]
    // Without a row there is nothing to read but the header.
    if (!place || (i > 0 && rows[0] === rows[1]))
      return { rows, range: [size, size], begin: { state: ROW_START, skip: 0 }, ...common }
    return { rows, ...rowEdges(place, places[i + 1], size), ...(i === 0 ? { lead: start } : {}), ...common }
  })
}

/** The ranges that reading a slice begins with. */
export function csvRanges({ range, lead, bare, header }: CsvSlice): readonly Range[] {
  if (lead !== undefined) return [bare ? range : [0, range[1]]]
  const isFetched = header && (header.text === undefined || range[0] === range[1])
  return isFetched ? [header.range, range] : [range]
}

/** @throws INVALID_SLICE when `slice` is not what `rowSlices` makes */
export function readCsv(slice: CsvSlice, { main, core }: ReadContext): Reading<string> {
  const { uri } = main
  const letters = unpackTypes(slice.types)
  if (!isCsvSlice(slice, main.size) || letters === undefined) {
    throw notASlice(slice, 'a CSV slice', uri)
  }
  const { lead, range, dialect, bare, rows, header } = slice
  const scanner = core.rowScanner(dialectBytes(dialect))
  // The first slice is one stretch with what lies before it.
  const withLead = lead !== undefined && !bare
  const textOffset = withLead
    ? 0
    : Math.max(range[0] - (bare || !header ? 0 : header.range[1] - header.range[0]), 1)
  const context: RecordsContext = {
    uri,
    dialect,
    scanner,
    letters,
    nulls: slice.nullValues && new Set(slice.nullValues),
    width: slice.columns,
    firstRow: rows[0],
    names: () => namesOf(slice, main),
  }
  const bytes = () => (withLead ? readLead(slice, main, scanner) : readOwn(slice, main, scanner))
  return {
    bytes,
    textOffset,
    async value() {
      let text = ''
      for await (const piece of decodeText(bytes(), { uri, offset: textOffset })) text += piece
      return text
    },
    records: (): AsyncGenerator<CsvRecord> => parseRecords(readRows(main, slice, scanner), context),
    arrays: () => parseColumns(readRows(main, slice, scanner), context),
    async extent() {
      const [start, end] = await findRows(main, slice, scanner)
      return [lead === undefined ? start : 0, end]
    },
  }
}

async function* readLead(slice: CsvSlice, main: Source, scanner: RowScanner): AsyncGenerator<Uint8Array> {
  const { lead = 0, range, tail } = slice
  if (tail && tail.skip === 0) {
    yield* main.read([0, lead])
    return
  }
  const edges: RowEdges = {
    range: [0, range[1]],
    begin: { state: ROW_START, skip: 0 },
    ...(tail ? { tail } : {}),
  }
  for await (const [, piece] of readRows(main, edges, scanner)) yield piece
}

async function* readOwn(slice: CsvSlice, main: Source, scanner: RowScanner): AsyncGenerator<Uint8Array> {
  const { header, bare } = slice
  let due = bare ? undefined : header
  for await (const [, piece] of readRows(main, slice, scanner)) {
    // Only now: what travelled with the slice must not be given for an object that was replaced.
    if (due) yield await headerBytes(due, main)
    due = undefined
    yield piece
  }
  if (due) yield await main.bytes(due.range)
}

/** Names of the columns; undefined when there are none. */
async function namesOf(
  { names, header, dialect }: CsvSlice,
  main: Source,
): Promise<readonly string[] | undefined> {
  if (names || !header) return names
  const text = header.text ?? new TextDecoder().decode(await headerBytes(header, main))
  return columnNames(splitRows(text, dialect, 1)[0]?.fields ?? [])
}

// A long header is fetched once for all slices of an object that are read in this process, as long as they are few.
const cached = new Map<string, Promise<Uint8Array>>()
const MOST_CACHED = 4

async function headerBytes({ range, text }: CsvHeader, main: Source): Promise<Uint8Array> {
  if (text !== undefined) return new TextEncoder().encode(text)
  const key = JSON.stringify([main.uri, main.etag, main.size, range])
  const known = cached.get(key)
  if (known) return known
  const read = main.bytes(range)
  cached.set(key, read)
  if (cached.size > MOST_CACHED) cached.delete(cached.keys().next().value as string)
  return read.catch((error: unknown) => {
    cached.delete(key)
    throw error
  })
}

function isCsvSlice(slice: CsvSlice, size: number): boolean {
  const { rows, dialect, columns, header, names, nullValues, lead, bare } = slice
  return (
    isRange(rows) &&
    isRowEdges(slice, size) &&
    isDialect(dialect) &&
    Number.isSafeInteger(columns) &&
    columns >= 0 &&
    (header === undefined || isHeader(header, size)) &&
    (names === undefined || isTexts(names)) &&
    (nullValues === undefined || isTexts(nullValues)) &&
    (lead === undefined || lead === slice.range[0]) &&
    (bare === undefined || bare === true)
  )
}

function isHeader(header: unknown, size: number): boolean {
  if (typeof header !== 'object' || header === null) return false
  const { range, text } = header as Partial<Record<keyof CsvHeader, unknown>>
  return isRange(range) && range[1] <= size && (text === undefined || typeof text === 'string')
}
