import type { Compressors, FileMetaData, SchemaTree } from 'hyparquet'
import { DataplugError, isDataplugError } from '../../errors.js'
import type { Range } from '../../range.js'
import type { FetchedBytes } from './ranges.js'

/** A row: values by column name. 64-bit integers are bigint, times are Date, as hyparquet gives them. */
export type ParquetRow = Record<string, unknown>

/** What of a file is read, for messages. */
interface Place {
  readonly uri: string
  readonly group: number
  readonly offset: number
}

/**
 * Rows of a file that has one row group.
 *
 * @param footer of that file
 * @param fetch reads its columns
 * @param choose the rows to give, of as many as there are
 * @throws MALFORMED_DATA when they cannot be decoded; UNSUPPORTED when a codec is not known
 */
export async function readRows(
  footer: Uint8Array<ArrayBuffer>,
  fetch: () => Promise<FetchedBytes>,
  choose: (count: number) => Range,
  columns: readonly string[] | undefined,
  { uri, group, offset }: Place,
): Promise<{ readonly count: number; readonly rows: ParquetRow[] }> {
  const { parquetMetadata, parquetReadObjects, parquetSchema } = await import('hyparquet')
  try {
    const metadata = parquetMetadata(footer)
    const count = Number(metadata.num_rows)
    const [start, end] = choose(count)
    const rowStart = Math.max(start, 0)
    if (rowStart >= end) return { count, rows: [] }
    checkColumns(parquetSchema(metadata), metadata)
    const codecs = new Set(
      metadata.row_groups.flatMap(({ columns }) => columns.map((chunk) => chunk.meta_data?.codec)),
    )
    const compressors = await compressorsFor(codecs)
    const fetched = await fetch()
    const file = {
      byteLength: Number.MAX_SAFE_INTEGER,
      slice: (from: number, to: number = from) => {
        const bytes = fetched([from, to])
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
      },
    }
    const options = { file, metadata, rowStart, rowEnd: end, ...(compressors && { compressors }) }
    const rows = await parquetReadObjects(columns ? { ...options, columns: [...columns] } : options)
    return { count, rows }
  } catch (cause) {
    if (isDataplugError(cause) || (cause instanceof Error && cause.name === 'AbortError')) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    const unknownCodec = /compression codec/.test(message)
    throw new DataplugError(
      unknownCodec ? 'UNSUPPORTED' : 'MALFORMED_DATA',
      `row group ${group} of ${uri}, at byte ${offset}, cannot be decoded: ${message}`,
      { uri, offset, cause },
    )
  }
}

/**
 * A row group has a column for each leaf of the schema, in its order (`RowGroup` of parquet.thrift). hyparquet starts to
 * decode any others too, and lets go of them: should they fail, nothing would handle it, and the process would end.
 */
function checkColumns({ children }: SchemaTree, { row_groups }: FileMetaData): void {
  const names = new Set<string>()
  for (const { element } of children) {
    if (names.has(element.name)) throw new RangeError(`two columns have the name "${element.name}"`)
    names.add(element.name)
  }
  const paths = JSON.stringify(children.flatMap(leavesOf))
  for (const { columns } of row_groups) {
    if (JSON.stringify(columns.map((chunk) => chunk.meta_data?.path_in_schema)) !== paths) {
      throw new RangeError('its columns are not those of the schema')
    }
  }
}

function leavesOf({ children, path }: SchemaTree): string[][] {
  return children.length === 0 ? [path] : children.flatMap(leavesOf)
}

/** hyparquet knows these itself. */
const BUILT_IN: ReadonlySet<string | undefined> = new Set(['UNCOMPRESSED', 'SNAPPY', undefined])

async function compressorsFor(codecs: ReadonlySet<string | undefined>): Promise<Compressors | undefined> {
  if ([...codecs].every((codec) => BUILT_IN.has(codec))) return undefined
  return (await import('hyparquet-compressors')).compressors
}
