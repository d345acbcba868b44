import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import {
  FASTQ,
  type FastqRecord,
  partitionChunkSize,
  partitionPairs,
  partitionReadsBatches,
} from '../../src/formats/fastq.js'
import { openStorage } from '../../src/storage/index.js'
import { contentOf, sideBySide } from '../compression/objects.js'
import { output, workFolder } from './programs.js'

// Files of Debian packages, see scripts/test-tools.mjs; counted by samtools.

const samples = process.env.DEBIAN_SAMPLES ?? ''
const bowtie = 'usr/share/doc/bowtie2/examples/reads'
const shortRead = 'usr/lib/R/site-library/ShortRead'
const pair = [1, 2].map((side) => `${shortRead}/extdata/E-MTAB-1147/ERR127302_${side}_subset.fastq.gz`)
const files = [
  `${bowtie}/reads_1.fq.gz`,
  `${bowtie}/reads_2.fq.gz`,
  `${bowtie}/longreads.fq.gz`,
  ...pair,
  `${shortRead}/unitTests/cases/sanger.fastq`,
  `${shortRead}/unitTests/cases/solexa.fastq`,
]

const at = workFolder()

/** Preprocessed; the index lies in the work folder. */
async function open(file: string) {
  const path = join(samples, file)
  const metadata = `${at(file.replaceAll('/', '_'))}.dataplug`
  const object = await CloudObject.open(FASTQ, path, { store: openStorage(), metadata })
  await object.preprocess({ executor: sideBySide, chunkSize: 300_000, span: 1 << 20 })
  return object
}

it.each(files)('%s', async (file) => {
  const stored = await readFile(join(samples, file))
  const content = file.endsWith('.gz') ? gunzipSync(stored) : stored
  const object = await open(file)

  const plain = at('plain.fq')
  await writeFile(plain, content)
  await output('samtools', 'fqidx', plain)
  const lengths = (await readFile(`${plain}.fai`, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[1]))
  expect(object.attributes).toEqual({
    totalReads: lengths.length,
    totalBases: lengths.reduce((sum, length) => sum + length, 0),
    minReadLength: Math.min(...lengths),
    maxReadLength: Math.max(...lengths),
  })

  const batches = await object.partition(partitionReadsBatches, { numBatches: 7 })
  expect((await contentOf(batches)).equals(content)).toBe(true)
  const found: number[] = []
  for (const batch of batches) {
    for await (const record of batch.records()) found.push((record as FastqRecord).sequence.length)
  }
  expect(found).toEqual(lengths)
  const chunks = await object.partition(partitionChunkSize, { chunkSize: 100_000 })
  expect((await contentOf(chunks)).equals(content)).toBe(true)
})

it('cuts a paired run at the same reads', async () => {
  const [r1, r2] = await Promise.all(pair.map(open))
  if (!r1 || !r2) throw new Error('two files make a pair')
  const names = async (records: AsyncIterable<unknown>) => {
    const all: string[] = []
    for await (const record of records) all.push((record as FastqRecord).id)
    return all
  }
  for (const [left, right] of await partitionPairs(r1, r2, { numBatches: 9 })) {
    const [ids, others] = await Promise.all([names(left.records()), names(right.records())])
    expect(ids.length).toBeGreaterThan(2000)
    expect(ids.map((id) => id.replace(/\/[12]$/, ''))).toEqual(others.map((id) => id.replace(/\/[12]$/, '')))
  }
})
