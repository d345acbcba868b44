import { readFile, writeFile } from 'node:fs/promises'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Parquet, type ParquetRow, partitionNumRows, partitionRowGroups } from '../../src/formats/parquet.js'
import { openStorage } from '../../src/storage/index.js'
import { output, workFolder } from './programs.js'

// Files that pyarrow writes, and slices that it reads.

const at = workFolder()

async function python(script: string, ...args: readonly string[]): Promise<string> {
  return (
    await output('/usr/bin/env', `PYTHONPATH=${process.env.PYARROW ?? ''}`, 'python3', '-c', script, ...args)
  ).toString()
}

const WRITE = `
import sys, datetime, pyarrow as pa, pyarrow.parquet as pq
path, codec, version, rows, size = sys.argv[1:]
n = int(rows)
table = pa.table({
  'id': pa.array(range(n), pa.int64()),
  'name': pa.array([None if i % 5 == 0 else 'n%d' % (i % 40) for i in range(n)]),
  'value': pa.array([i / 7 for i in range(n)]),
  'when': pa.array([datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=i) for i in range(n)], pa.timestamp('us')),
  'tags': pa.array([['t%d' % j for j in range(i % 4)] for i in range(n)]),
  'point': pa.array([{'x': i, 'y': str(i)} for i in range(n)]),
  'flag': pa.array([i % 3 == 0 for i in range(n)]),
}).replace_schema_metadata({'k': 'v'})
pq.write_table(table, path, row_group_size=int(size), compression=codec, data_page_version=version,
  write_page_index=True, data_page_size=2000)
`

const COMPARE = `
import sys, pyarrow as pa, pyarrow.parquet as pq
whole, *parts = [pq.read_table(path) for path in sys.argv[1:]]
print(pa.concat_tables(parts).equals(whole, check_metadata=True), len(parts), whole.num_rows)
`

const files = ['none', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd'].flatMap((codec) =>
  ['1.0', '2.0'].map((version) => [codec, version] as const),
)

it.each(files)(
  '%s, data pages of version %s: slices are files, and rows those of the whole',
  async (codec, version) => {
    const path = at(`${codec}-${version}.parquet`)
    await python(WRITE, path, codec, version, '3000', '400')
    const object = await CloudObject.open(Parquet, path, { store: openStorage() })
    await object.preprocess()
    expect(object.attributes).toMatchObject({ numRows: 3000, numRowGroups: 8 })

    const slices = await object.partition(partitionRowGroups, { numChunks: 5 })
    const parts = slices.map(({ id }) => at(`part-${id}.parquet`))
    for (const [i, slice] of slices.entries()) await writeFile(parts[i] as string, await slice.bytes())
    expect((await python(COMPARE, path, ...parts)).trim()).toBe('True 5 3000')

    const file = Uint8Array.from(await readFile(path)).buffer
    const expected = await parquetReadObjects({ file, compressors })
    for (const columns of [undefined, ['point', 'id']]) {
      const chosen = columns ? { columns } : {}
      const rows: ParquetRow[] = []
      for (const slice of await object.partition(partitionNumRows, { rowsPerChunk: 700, ...chosen })) {
        rows.push(...(await slice.get()))
      }
      expect(rows).toEqual(
        columns ? expected.map(({ id, point }) => ({ id, point })) : expected.map((row) => ({ ...row })),
      )
    }
  },
)
