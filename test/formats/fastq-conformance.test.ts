import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import * as fastq from '../../src/formats/fastq.js'
import { type ConformanceObject, formatConformance } from '../../src/testing/format-conformance.js'

const encoder = new TextEncoder()

/** Reads of many lengths, over several blocks of the line index; quality opens with `@`, `+` and letters. */
function longer(): string {
  let out = ''
  for (let i = 0; out.length < 3000; i++) {
    const length = (i * 37) % 151
    out += `@r.${i} ${i % 7}\n${'GATTACA'.repeat(22).slice(0, length)}\n+\n${'@+I'
      .repeat(51)
      .slice(i % 3)
      .slice(0, length)}\n`
  }
  return out
}

const samples: Readonly<Record<string, string>> = {
  'reads.fastq': '@a 1\nACGT\n+\n@@+I\n@b\nGG\n+b\n+@\n@c\n\n+\n\n@d\nA\n+\n@\n',
  'crlf.fastq': '@a\r\nAC\r\n+\r\n@+\r\n@b\r\nT\r\n+\r\n+\r\n',
  'no-final-newline.fastq': '@a\nAC\n+\n++\n@b\nTT\n+\n@I',
  'blank-lines-at-the-end.fq': '@a\nAC\n+\n++\n\n\n\n\n\n',
  'one-read.fq': '@a\nACGTACGT\n+\nIIIIIIII\n',
  'only-blank-lines.fq': '\n\n',
  'longer.fq': longer(),
}

function gzip(name: string, ...parts: string[]): ConformanceObject {
  return {
    name,
    bytes: new Uint8Array(Buffer.concat(parts.map((part) => gzipSync(part)))),
    content: encoder.encode(parts.join('')),
    // The compressed bytes from the seek point before the slice; here from the start.
    budget: { requestsPerSlice: 2, overheadBytes: 4096 },
  }
}

const options = {
  objects: [
    ...Object.entries(samples).map(([name, content]) => ({ name, bytes: encoder.encode(content) })),
    gzip('members.fastq.gz', '@a 1\nACGT\n+\n@@', '+I\n@b\nGG\n+b\n+@\n@c', '\nA\n+\n@'),
  ],
  strategies: [
    { strategy: fastq.partitionReadsBatches, params: [1, 2, 7, 40].map((numBatches) => ({ numBatches })) },
    {
      strategy: fastq.partitionSequencesPerChunk,
      params: [
        { seqPerChunk: 1 },
        { seqPerChunk: 3 },
        { seqPerChunk: 3, strategy: 'merge' },
        { seqPerChunk: 1000, strategy: 'merge' },
      ],
    },
    {
      strategy: fastq.partitionChunkSize,
      params: [{ chunkSize: 9000 }, { chunkSize: 19 }, { chunkSize: 500 }],
    },
  ],
  // A block of the line index at each end.
  budget: { requestsPerSlice: 1, overheadBytes: 1024 },
}

describe('fastq', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(fastq.FASTQ, { ...options, threads: false })) it(name, run)
})
