import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import type { SliceLine } from '../../src/cloud/line.js'
import * as vcf from '../../src/formats/vcf.js'
import { formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'
import { makeVcf, splitVcf } from './vcf-samples.js'

const encoder = new TextEncoder()
const tiny = '##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
const samples: Readonly<Record<string, string>> = {
  'tiny.vcf': `${tiny}1\t1\t.\tA\tC\t.\t.\t.\n1\t2\t.\tA\tC\t.\t.\t.\n2\t1\t.\tA\tC\t.\t.\t.\n`,
  'crlf.vcf': `${tiny.replaceAll('\n', '\r\n')}1\t1\t.\tA\tC\t.\t.\t.\r\n1\t2\t.\tA\tC\t.\t.\tA=1\r\n`,
  'no-final-newline.vcf': `${tiny}1\t1\t.\tA\tC\t.\t.\t.\n1\t2\t.\tA\tC\t.\t.\tDP`,
  'only-header.vcf': tiny,
  'only-header-open.vcf': tiny.trimEnd(),
  'bom.vcf': `\ufeff${tiny}1\t1\t.\tA\tC\t.\t.\t.\n1\t2\t.\tA\tC\t.\t.\t.\n`,
  'longer.vcf': makeVcf(16),
  'long-header.vcf': makeVcf(8).replace(
    '##source',
    `${Array.from({ length: 400 }, (_, i) => `##x${i}=${(i * 7919) % 1e6}\n`).join('')}##source`,
  ),
}
const compressed = { requestsPerSlice: 3, overheadBytes: 16_000 }
const content = encoder.encode(samples['longer.vcf'])

/** Slices other than the first repeat the header, without its byte order mark. */
function body(bytes: Uint8Array, { data }: SliceLine): Uint8Array {
  if (data.header === undefined) return bytes
  const { header } = splitVcf(new TextDecoder().decode(bytes))
  return bytes.subarray(encoder.encode(header).length)
}

const options = {
  objects: [
    ...Object.entries(samples).map(([name, text]) => ({ name, bytes: encoder.encode(text) })),
    { name: 'longer.vcf.gz', bytes: new Uint8Array(gzipSync(content)), content, budget: compressed },
    { name: 'longer.vcf.bgz', bytes: new Uint8Array(bgzf(content, 700)), content, budget: compressed },
  ],
  strategies: [
    { strategy: vcf.partitionNumChunks, params: [1, 2, 7, 30].map((numChunks) => ({ numChunks })) },
    { strategy: vcf.partitionChunkSize, params: [9000, 19, 500].map((chunkSize) => ({ chunkSize })) },
    {
      strategy: vcf.partitionChunkRecords,
      params: [
        { recordsPerChunk: 1 },
        { recordsPerChunk: 3, strategy: 'merge' },
        { recordsPerChunk: 1000, strategy: 'merge' },
      ],
    },
  ],
  // A chunk that the header goes on from asks for 64 KiB more; a header that is not in the slice is read.
  budget: { requestsPerSlice: 2, overheadBytes: 12_000, requestsPerTask: 2 },
  body,
}

describe('vcf', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(vcf.VCF, { ...options, threads: false })) it(name, run)
})
