import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import type { SliceLine } from '../../src/cloud/line.js'
import * as fasta from '../../src/formats/fasta.js'
import { type ConformanceObject, formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'

const encoder = new TextEncoder()

const genome = ['chr1', 'chr2', 'chrM']
  .map((name, i) => `>${name} x\n${`${'GATTACA'.repeat(10)}\n`.repeat(9 * (3 - i))}ACG\n`)
  .join('')

const samples: Readonly<Record<string, string>> = {
  'sequences.fa': '>a x > y\nACGT\nAC\n>b\n>c 1\nacgtn\n>d\nA\n',
  'crlf.fa': '>a\r\nACGT\r\nAC\r\n>b x\r\nT\r\n',
  'no-final-newline.fasta': '>a\nACGT\nACGT\nA',
  'blank-lines.fa': '\n\n>a\nAC\n\n>b\n\nAC\n\nGT\n\n',
  'one-line.fa': `>a\n${'ACGT'.repeat(30)}\n`,
  'only-header.fna': '>a',
  'only-blank-lines.fa': '\n\n',
  'genome.fa': genome,
}

const compressed = { requestsPerSlice: 3, overheadBytes: 8192 }

function gzip(name: string, ...parts: string[]): ConformanceObject {
  return {
    name,
    bytes: new Uint8Array(Buffer.concat(parts.map((part) => gzipSync(part)))),
    content: encoder.encode(parts.join('')),
    budget: compressed,
  }
}

const objects: ConformanceObject[] = [
  ...Object.entries(samples).map(([name, content]) => ({ name, bytes: encoder.encode(content) })),
  gzip('members.fa.gz', '>a 1\nACGT\nAC', 'GT\nA\n>b\nGG\n>c', '\nA\n\n'),
  {
    name: 'genome.fa.bgz',
    bytes: new Uint8Array(bgzf(encoder.encode(genome), 300)),
    content: encoder.encode(genome),
    budget: compressed,
  },
]
const counts = [1, 2, 7, 40].map((numChunks) => ({ numChunks }))
const budget = { requestsPerSlice: 2, overheadBytes: 0 }

/** Without the header that is repeated in a slice that begins inside a sequence. */
const body = (bytes: Uint8Array, { data }: SliceLine) =>
  data.header === undefined ? bytes : bytes.subarray(bytes.indexOf(10) + 1)

// Worker threads need built files: test/plugin runs them.
describe('fasta, whole sequences', () => {
  const strategies = [{ strategy: fasta.partitionSequences, params: counts }]
  for (const { name, run } of formatConformance(fasta.FASTA, {
    objects,
    strategies,
    budget,
    threads: false,
  })) {
    it(name, run)
  }
})

describe('fasta, sequences cut', () => {
  const strategies = [{ strategy: fasta.partitionChunksStrategy, params: counts }]
  const options = { objects, strategies, budget, body, records: false, threads: false }
  for (const { name, run } of formatConformance(fasta.FASTA, options)) it(name, run)
})

describe('fasta, regions', () => {
  const regions = ['chr1', 'chr2:5-100', 'chrM:140-500', 'chr1:71-71', 'chr1:1-70']
  const options = {
    objects: objects.filter(({ name }) => name.startsWith('genome')),
    strategies: [{ strategy: fasta.partitionRegions, params: [{ regions }, { regions, lineLength: 7 }] }],
    budget: { requestsPerSlice: 1, overheadBytes: 40 },
    tiles: false,
    records: false,
    threads: false,
  }
  for (const { name, run } of formatConformance(fasta.FASTA, options)) {
    // There is no region of what has no sequences.
    if (!name.startsWith('an empty object')) it(name, run)
  }
})
