import { isTexts } from '../../checks.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range, rangeLength } from '../../range.js'
import type { ReadContext, Reading, Source } from '../format.js'
import { notASlice } from '../shared/not-a-slice.js'
import { chunksOf, encodeFooter, groupsOf, metadataOf, movedGroup, START } from './footer.js'
import type { GroupTable } from './group-index.js'
import { checkPages } from './pages.js'
import { fetchRanges, hull } from './ranges.js'
import { type ParquetRow, readRows } from './rows.js'
import type { ThriftStruct } from './thrift.js'

/** Rows `[rows[0], rows[1])` of the row groups `[groups[0], groups[1])`, which begin with row `firstRow`. */
export type ParquetSlice = {
  readonly groups: Range
  readonly rows: Range
  readonly firstRow: number
  /** Bytes of these row groups. */
  readonly range: Range
  /** In the footer: what comes before the row groups, these, and what comes after all. */
  readonly footer: readonly [head: Range, groups: Range, tail: Range]
  /** Whether `rows` are all rows of these groups. */
  readonly whole: boolean
  /** Names of top-level columns; absent for all. */
  readonly columns?: readonly string[]
}

/** The slice of rows `rows`, which lie in the groups `[first, end)`. */
export function parquetSlice(
  { head, tail, groups, rowsBefore }: GroupTable,
  [first, end]: Range,
  rows: Range,
  columns: readonly string[] | undefined,
): ParquetSlice {
  const own = groups.slice(first, end)
  const start = own.reduce((least, { data }) => Math.min(least, data[0]), Number.MAX_SAFE_INTEGER)
  const stop = own.reduce((most, { data }) => Math.max(most, data[1]), 0)
  const [one, other] = [own[0]?.meta, own.at(-1)?.meta]
  return {
    groups: [first, end],
    rows,
    firstRow: rowsBefore(first),
    range: own.length === 0 ? [head[0], head[0]] : [start, stop],
    footer: [head, one && other ? [one[0], other[1]] : [head[1], head[1]], tail],
    whole: rows[0] === rowsBefore(first) && rows[1] === rowsBefore(end),
    ...(columns && { columns }),
  }
}

export function parquetRanges({ range, footer }: ParquetSlice): readonly Range[] {
  return [range, ...footer]
}

/** @throws INVALID_SLICE when `slice` is not what this format's strategies make */
export function readParquet(slice: ParquetSlice, { main }: ReadContext): Reading<ParquetRow[]> {
  if (!isParquetSlice(slice, main.size)) throw notASlice(slice, 'a Parquet slice', main.uri)
  const records = () => readGroups(slice, main)
  return {
    bytes: () => fileOf(slice, main),
    async *records() {
      for await (const rows of records()) yield* rows
    },
    async value() {
      const all: ParquetRow[] = []
      for await (const rows of records()) for (const row of rows) all.push(row)
      return all
    },
  }
}

interface SliceMetadata {
  readonly head: Uint8Array
  readonly tail: Uint8Array
  readonly groups: readonly ThriftStruct[]
}

/** What of the footer is about the slice, by one read when that is not far apart. */
async function metadataOfSlice(slice: ParquetSlice, main: Source): Promise<SliceMetadata> {
  const { footer, groups } = slice
  const fetched = await fetchRanges(main, footer)
  const [head, middle, tail] = footer.map((range) => fetched(range)) as [Uint8Array, Uint8Array, Uint8Array]
  try {
    const own = groupsOf(middle, rangeLength(groups))
    for (const group of own) for (const { range } of chunksOf(group)) inside(range, slice, main.uri)
    return { head, tail, groups: own }
  } catch (cause) {
    if (cause instanceof RangeError) throw notThere(main.uri, cause)
    throw cause
  }
}

async function* readGroups(slice: ParquetSlice, main: Source): AsyncGenerator<ParquetRow[]> {
  const { rows, firstRow, columns } = slice
  if (rangeLength(rows) === 0) return
  const { head, tail, groups } = await metadataOfSlice(slice, main)
  const wanted = columns && new Set(columns)
  let before = firstRow
  for (const [i, group] of groups.entries()) {
    const footer = encode(() => metadataOf(head, tail, [group]), main.uri)
    const chunks = chunksOf(group, wanted)
    const ranges = chunks.map(({ range }) => range)
    const fetch = async () => {
      // Without a choice of columns, what lies between them is little.
      const fetched = await fetchRanges(main, wanted ? ranges : [hull(ranges)])
      for (const { range, meta } of chunks) checkPages(fetched(range), meta)
      return fetched
    }
    const place = { uri: main.uri, group: slice.groups[0] + i, offset: slice.range[0] }
    const taken = await readRows(
      footer,
      fetch,
      (count) => [rows[0] - before, Math.min(rows[1] - before, count)],
      columns,
      place,
    )
    before += taken.count
    if (taken.rows.length > 0) yield taken.rows
  }
  if (before < rows[1]) throw notThere(main.uri)
}

/** The slice as a file of its own: the row groups' bytes as they are, and a footer that says where they lie there. */
async function* fileOf(slice: ParquetSlice, main: Source): AsyncGenerator<Uint8Array> {
  const { range, columns, whole } = slice
  if (columns || !whole) {
    throw new DataplugError(
      'UNSUPPORTED',
      `the slice of ${main.uri} has ${columns ? 'some of the columns' : 'parts of row groups'}, which are no file; read records(), or cut by partitionRowGroups without columns`,
      { uri: main.uri },
    )
  }
  const { head, tail, groups } = await metadataOfSlice(slice, main)
  const by = START.length - range[0]
  const footer = encode(() => {
    return metadataOf(
      head,
      tail,
      groups.map((group, i) => movedGroup(group, by, i)),
    )
  }, main.uri)
  yield START
  if (rangeLength(range) > 0) yield* main.read(range)
  yield footer
}

function encode(make: () => ThriftStruct, uri: string): Uint8Array<ArrayBuffer> {
  try {
    return encodeFooter(make())
  } catch (cause) {
    if (cause instanceof RangeError) throw notThere(uri, cause)
    throw cause
  }
}

function inside(range: Range, slice: ParquetSlice, uri: string): Range {
  if (range[0] < slice.range[0] || range[1] > slice.range[1] || range[0] > range[1]) throw notThere(uri)
  return range
}

/** Metadata of one slice. A forged slice cannot ask for more at once. */
const LONGEST_META = 256 << 20

function isParquetSlice(slice: ParquetSlice, size: number): boolean {
  const { groups, rows, firstRow, range, footer, whole, columns } = slice
  if (![groups, rows, range].every(isRange) || range[1] > size || typeof whole !== 'boolean') return false
  if (!Number.isSafeInteger(firstRow) || firstRow < 0 || firstRow > rows[0]) return false
  if (!Array.isArray(footer) || footer.length !== 3) return false
  if (
    !footer.every((part: unknown) => isRange(part) && part[1] <= size && rangeLength(part) <= LONGEST_META)
  ) {
    return false
  }
  // A row group takes more than a byte.
  if (rangeLength(groups) > rangeLength(footer[1])) return false
  return columns === undefined || isTexts(columns)
}

function notThere(uri: string, cause?: unknown): DataplugError {
  return new DataplugError(
    'INVALID_SLICE',
    `${uri} does not have the row groups that the slice says; partition it again`,
    { uri, cause },
  )
}
