import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bgzf } from '../compression/bgzf.js'
import { encodeBamHeader, encodeBamRecord } from '../formats/bam-encoder.js'
import { makeParquet } from '../formats/parquet-samples.js'
import { makeVcf } from '../formats/vcf-samples.js'
import { cli, temporaryFolder } from '../integration/world.js'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const csv = `id,note\n${numbers(9000)
  .map((i) => `${i},"a ""quoted""\nnote ${i}"\r\n`)
  .join('')}`
const json = numbers(9000)
  .map((i) => `{"id":${i},"name":"name ${i}"}\n`)
  .join('')
const fasta = numbers(300)
  .map(
    (i) =>
      `>seq${i} number ${i}\n${'ACGTTGCA'
        .repeat(8)
        .concat('\n')
        .repeat(i % 20)}`,
  )
  .join('')
const fastq = numbers(3000)
  .map((i) => `@read${i}\n${'ACGT'.repeat(9)}\n+\n${'@FF+'.repeat(9)}\n`)
  .join('')
const bam = Buffer.concat([
  encodeBamHeader('', [['chr1', 1_000_000]]),
  ...numbers(3000).map((i) =>
    encodeBamRecord({
      name: `r${i}`,
      flag: 0,
      reference: 0,
      position: i * 7,
      cigar: [[20, 'M']],
      bases: 'ACGT'.repeat(5),
      tags: new Uint8Array(0),
    }),
  ),
])

const objects: readonly (readonly [name: string, bytes: Uint8Array, strategy: string, tiles: boolean])[] = [
  ['a.csv', Buffer.from(csv), 'partitionNumChunks', true],
  ['a.csv.gz', gzipSync(csv), 'partitionNumChunks', true],
  ['a.jsonl', Buffer.from(json), 'partitionNumChunks', true],
  ['a.fasta', Buffer.from(fasta), 'partitionSequences', true],
  ['a.fasta.gz', gzipSync(fasta), 'partitionChunksStrategy', true],
  ['a.fastq.gz', gzipSync(fastq), 'partitionReadsBatches', true],
  ['a.vcf', Buffer.from(makeVcf(3000)), 'partitionNumChunks', true],
  ['a.vcf.gz', bgzf(Buffer.from(makeVcf(3000))), 'partitionNumChunks', true],
  ['a.bam', bgzf(bam), 'partitionNumChunks', true],
  ['a.parquet', makeParquet(3000, 500), 'partitionRowGroups', false],
]

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

/** What a command that must succeed says. */
async function said(args: readonly string[], stdin = ''): Promise<Buffer> {
  const { code, stdout, stderr } = await cli([...args, '--quiet'], { stdin })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

describe('every format, by its file name', () => {
  it.each(objects)(
    '%s has one index, from two worker threads or one, and slices that are read',
    async (...object) => {
      const [name, bytes, strategy, tiles] = object
      const path = join(folder.path, name)
      await writeFile(path, bytes)
      const [one, two] = [join(folder.path, `${name}.1`), join(folder.path, `${name}.2`)]
      await said(['preprocess', path, '--metadata', one])
      await said(['preprocess', path, '--metadata', two, '--workers', '2', '--chunk-size', '64KiB'])
      expect(Buffer.compare(await readFile(two), await readFile(one))).toBe(0)

      const count = strategy === 'partitionReadsBatches' ? '--num-batches' : '--num-chunks'
      const slices = (await said(['partition', path, strategy, count, '3', '--metadata', two])).toString()
      expect(slices.trim().split('\n')).toHaveLength(3)
      if (tiles) await said(['verify', path, '--metadata', two], slices)
      const stdout = await said(['get'], slices)
      expect(stdout.length).toBeGreaterThan(1000)
    },
  )
})
