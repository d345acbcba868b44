import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'

/** A table of `rows` rows with columns of several types, in row groups of `rowGroupSize` rows. */
export function makeParquet(
  rows: number,
  rowGroupSize: number,
  options: { readonly codec?: 'UNCOMPRESSED' | 'SNAPPY' } = {},
): Uint8Array<ArrayBuffer> {
  const of = <T>(value: (i: number) => T) => Array.from({ length: rows }, (_, i) => value(i))
  const columnData: ColumnSource[] = [
    { name: 'id', data: of((i) => i), type: 'INT32', nullable: false },
    { name: 'big', data: of((i) => BigInt(i) * 10_000_000_000n), type: 'INT64', nullable: false },
    {
      name: 'name',
      data: of((i) => (i % 7 === 0 ? null : `name ${i % 13} é`)),
      type: 'STRING',
      nullable: true,
    },
    { name: 'value', data: of((i) => i / 3), type: 'DOUBLE', nullable: false },
    { name: 'flag', data: of((i) => i % 3 === 0), type: 'BOOLEAN', nullable: false },
    {
      name: 'when',
      data: of((i) => new Date(1_700_000_000_000 + i * 1000)),
      type: 'TIMESTAMP',
      nullable: false,
    },
  ]
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize, codec: options.codec ?? 'SNAPPY' }))
}
