import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import { Parquet, partitionNumRows, partitionRowGroups } from '../../src/formats/parquet.js'
import { formatConformance } from '../../src/testing/format-conformance.js'
import { makeParquet } from './parquet-samples.js'

const table = makeParquet(60, 10)
const objects = [
  { name: 'table.parquet', bytes: table },
  { name: 'one-group.parquet', bytes: makeParquet(20, 20, { codec: 'UNCOMPRESSED' }) },
  { name: 'no-rows.parquet', bytes: makeParquet(0, 10) },
  {
    name: 'table.parquet.gz',
    bytes: new Uint8Array(gzipSync(table)),
    content: table,
    budget: { requestsPerSlice: 4, overheadBytes: 1 << 20 },
  },
]

const options = {
  objects,
  strategies: [
    { strategy: partitionRowGroups, params: [1, 2, 7, 40].map((numChunks) => ({ numChunks })) },
    // Whole row groups, since parts of them are no file.
    { strategy: partitionNumRows, params: [{ rowsPerChunk: 20 }, { rowsPerChunk: 60 }] },
  ],
  // The footer, and the row groups.
  budget: { requestsPerSlice: 2, overheadBytes: 4096 },
  tiles: false,
}

describe('parquet', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(Parquet, { ...options, threads: false })) it(name, run)
})
