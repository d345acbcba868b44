import type { Compressors } from 'hyparquet'
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
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet')
  try {
    const metadata = parquetMetadata(footer)
    const count = Number(metadata.num_rows)
    const [start, end] = choose(count)
    const rowStart = Math.max(start, 0)
    if (rowStart >= end) return { count, rows: [] }
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

/** hyparquet knows these itself. */
const BUILT_IN: ReadonlySet<string | undefined> = new Set(['UNCOMPRESSED', 'SNAPPY', undefined])

async function compressorsFor(codecs: ReadonlySet<string | undefined>): Promise<Compressors | undefined> {
  if ([...codecs].every((codec) => BUILT_IN.has(codec))) return undefined
  return (await import('hyparquet-compressors')).compressors
}
