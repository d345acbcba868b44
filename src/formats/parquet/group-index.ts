import type { FileMetaData, SchemaElement } from 'hyparquet'
import { DataplugError } from '../../errors.js'
import type { Range } from '../../range.js'
import type { Built, Index, ReadContext } from '../format.js'
import { type Footer, type RowGroupPlace, readFooter } from './footer.js'

/** A top-level column. */
export type ParquetColumn = {
  readonly name: string
  /** The logical type where there is one (`STRING`, `TIMESTAMP`, `LIST`, …), else the physical (`INT64`, …), `STRUCT` for others. */
  readonly type: string
  readonly nullable: boolean
}

export type ParquetAttributes = {
  readonly numRows: number
  readonly numRowGroups: number
  readonly columns: readonly ParquetColumn[]
  /** The program that wrote the file; null when it does not say. */
  readonly createdBy: string | null
}

/** Bytes of the section `parquet-groups` for each row group. */
const ENTRY = 40

/** Reads the footer, and nothing else. */
export async function inspectParquet({ main }: ReadContext): Promise<Built<ParquetAttributes>> {
  const footer = await readFooter(main)
  const { parquetMetadata } = await import('hyparquet')
  let metadata: FileMetaData
  try {
    metadata = parquetMetadata(footer.empty)
    // hyparquet takes a number for a name, where one is damaged.
    const { schema, created_by } = metadata
    const texts: unknown[] = [created_by ?? '', ...schema.slice(1).map(({ name }) => name)]
    if (texts.some((text) => typeof text !== 'string')) throw new TypeError('a name is no text')
  } catch (cause) {
    const { uri } = main
    throw new DataplugError(
      'MALFORMED_DATA',
      `${uri} has a schema that cannot be read: ${(cause as Error).message}`,
      {
        uri,
        offset: footer.head[0],
        cause,
      },
    )
  }
  return {
    attributes: {
      numRows: footer.numRows,
      numRowGroups: footer.groups.length,
      columns: topLevelColumns(metadata.schema),
      createdBy: metadata.created_by ?? null,
    },
    sections: {
      'parquet-footer': pack([[...footer.head, ...footer.tail]]),
      'parquet-groups': packGroups(footer),
    },
  }
}

function topLevelColumns(schema: readonly SchemaElement[]): ParquetColumn[] {
  const columns: ParquetColumn[] = []
  let at = 1
  const skip = () => {
    let open = 1
    while (open > 0 && at < schema.length) open += ((schema[at++] as SchemaElement).num_children ?? 0) - 1
  }
  while (at < schema.length) {
    const { name, type, converted_type, logical_type, repetition_type } = schema[at] as SchemaElement
    const nullable = repetition_type !== 'REQUIRED'
    columns.push({ name, type: logical_type?.type ?? converted_type ?? type ?? 'STRUCT', nullable })
    skip()
  }
  return columns
}

function packGroups({ groups }: Footer): Uint8Array {
  let before = 0
  return pack(
    groups.map(({ rows, data, meta }) => {
      const row = [before, ...data, ...meta]
      before += rows
      return row
    }),
  )
}

function pack(rows: readonly (readonly number[])[]): Uint8Array {
  const numbers = rows.flat()
  const view = new DataView(new ArrayBuffer(numbers.length * 8))
  for (const [i, number] of numbers.entries()) view.setBigUint64(i * 8, BigInt(number), true)
  return new Uint8Array(view.buffer)
}

/** The row groups as strategies need them. */
export interface GroupTable {
  readonly head: Range
  readonly tail: Range
  readonly groups: readonly RowGroupPlace[]
  /** Rows before group `i`; all for the number of groups. */
  rowsBefore(i: number): number
}

/** @throws INVALID_INDEX when the index does not hold what it claims */
export async function openGroupTable(index: Index<ParquetAttributes>): Promise<GroupTable> {
  const { numRows, numRowGroups } = index.attributes
  const [footer, table] = [await index.section('parquet-footer'), await index.section('parquet-groups')]
  if (footer.length !== 32 || table.length !== numRowGroups * ENTRY) {
    throw new DataplugError(
      'INVALID_INDEX',
      `the index of ${index.uri} contradicts itself; preprocess it again`,
      {
        uri: index.uri,
      },
    )
  }
  const numbers = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigUint64(i * 8, true)))
  }
  const [headStart, headEnd, tailStart, tailEnd] = numbers(footer) as [number, number, number, number]
  const fields = numbers(table)
  const field = (i: number, j: number) => fields[i * 5 + j] as number
  const rowsBefore = (i: number) => (i < numRowGroups ? field(i, 0) : numRows)
  const groups = Array.from(
    { length: numRowGroups },
    (_, i): RowGroupPlace => ({
      rows: rowsBefore(i + 1) - rowsBefore(i),
      data: [field(i, 1), field(i, 2)],
      meta: [field(i, 3), field(i, 4)],
    }),
  )
  return { head: [headStart, headEnd], tail: [tailStart, tailEnd], groups, rowsBefore }
}
