import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { SliceLine } from '../../src/cloud/line.js'
import * as bam from '../../src/formats/bam.js'
import { formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'
import { bamRecord, encodeBamHeader, encodeBamRecord } from './bam-encoder.js'

const header = encodeBamHeader('@HD\tVN:1.6\n', [['chr1', 5000]])
const records = fc
  .sample(bamRecord, { numRuns: 14, seed: 2 })
  .map((record) => encodeBamRecord({ ...record, reference: 0, bases: record.bases.slice(0, 40) }))
const content = new Uint8Array(Buffer.concat([header, ...records]))
const compressed = { requestsPerSlice: 2, overheadBytes: 8000 }

/** Slices other than the first repeat the header. */
function body(bytes: Uint8Array, { data }: SliceLine): Uint8Array {
  const all = new Uint8Array(gunzipSync(bytes))
  return data.header === undefined ? all : all.subarray(header.length)
}

const options = {
  objects: [
    { name: 'raw.bam', bytes: content.slice(0, header.length + (records[0]?.length ?? 0)) },
    {
      name: 'only-header.bam',
      bytes: new Uint8Array(bgzf(header)),
      content: new Uint8Array(header),
      budget: compressed,
    },
    { name: 'blocks.bam', bytes: new Uint8Array(bgzf(content, 700)), content, budget: compressed },
  ],
  strategies: [
    { strategy: bam.partitionNumChunks, params: [1, 2, 7, 30].map((numChunks) => ({ numChunks })) },
    {
      strategy: bam.partitionChunkRecords,
      params: [{ recordsPerChunk: 1 }, { recordsPerChunk: 3, strategy: 'merge' }, { recordsPerChunk: 1000 }],
    },
  ],
  budget: { requestsPerSlice: 2, overheadBytes: 8000, requestsPerTask: 2 },
  body,
}

describe('bam', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(bam.BAM, { ...options, threads: false })) it(name, run)
})
