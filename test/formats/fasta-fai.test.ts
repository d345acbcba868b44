import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { importFai } from '../../src/cloud/fasta-interop.js'
import type { PreprocessOptions } from '../../src/cloud/preprocess.js'
import { exportFai, FASTA, type FastaOptions, partitionSequences } from '../../src/formats/fasta.js'
import { memoryStore } from '../../src/storage/memory.js'
import { readBytes } from '../../src/storage/store.js'
import { bgzf } from '../compression/bgzf.js'
import { faiOf, fastaText, parseFasta } from './fasta-oracle.js'
import { counting } from './open-text.js'

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

function world(data: Uint8Array, fai?: string) {
  const files = { 'memory:g/x.fa': data, ...(fai === undefined ? {} : { 'memory:g/x.fa.fai': bytesOf(fai) }) }
  return counting(memoryStore(files))
}

async function open(store: ReturnType<typeof world>['store'], options: PreprocessOptions<FastaOptions> = {}) {
  const object = await CloudObject.open(FASTA, 'memory:g/x.fa', { store })
  await object.preprocess({ span: 64 << 10, ...options })
  return object
}

async function indexOf(store: ReturnType<typeof world>['store']): Promise<Buffer> {
  const uri = 'memory:g/x.fa.dataplug'
  return Buffer.from(await readBytes(store, uri, [0, (await store.head(uri)).size]))
}

async function exported(object: CloudObject<typeof FASTA>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of exportFai(object)) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

const genome = Array.from(
  { length: 60 },
  (_, i) => `>chr${i} number ${i}\n${`${'GATTACA'.repeat(8)}\n`.repeat((i * 5) % 17)}AC\n`,
).join('')
const genomeFai = faiOf(parseFasta(genome) as Exclude<ReturnType<typeof parseFasta>, number>) as string

describe('exportFai', () => {
  it('writes what samtools writes, or refuses as it does', async () => {
    await fc.assert(
      fc.asyncProperty(fastaText, fc.integer({ min: 5, max: 500 }), async (text, chunkSize) => {
        const sequences = parseFasta(text)
        if (typeof sequences === 'number') throw new Error('the generator makes FASTA')
        const object = await open(world(bytesOf(text)).store, {
          chunkSize: Math.max(chunkSize, text.length >> 7),
        })
        const expected = faiOf(sequences)
        if (expected === undefined) {
          await expect(exported(object)).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
        } else {
          expect(await exported(object)).toBe(expected)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('refuses a sequence whose first line has no residues, where samtools writes a row that it cannot read', async () => {
    // Found by the property above, rarely: all lines are as wide as the first, which is blank and ends with CR LF.
    for (const text of ['>\n\r\nA', '>a\n\r\nA\n\r\nC\n', '>a\n \nA\n', '>a\n\r\n \n', '>a\n \n \n']) {
      for (const chunkSize of [5, 500]) {
        const object = await open(world(bytesOf(text)).store, { chunkSize })
        await expect(exported(object)).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
      }
    }
  })
})

describe('a .fai beside the object', () => {
  it('gives the index that a scan gives, by a look at a few headers', async () => {
    const scanned = world(bytesOf(genome))
    await open(scanned.store)
    for (const chunkSize of [1000, 1 << 20]) {
      const known = world(bytesOf(genome), genomeFai)
      const object = await open(known.store, { chunkSize })
      // The .fai twice, the head of the new index, and headers.
      expect(known.bytes).toBeGreaterThan(0)
      expect(known.bytes).toBeLessThan(genome.length / 2)
      expect((await indexOf(known.store)).equals(await indexOf(scanned.store))).toBe(true)
      expect(object.attributes).toMatchObject({ numSequences: 60 })
    }
  })

  it('is used for compressed objects too', async () => {
    for (const data of [gzipSync(genome), bgzf(bytesOf(genome), 500)]) {
      const [scanned, known] = [world(data), world(data, genomeFai)]
      await open(scanned.store)
      const object = await open(known.store)
      expect((await indexOf(known.store)).equals(await indexOf(scanned.store))).toBe(true)
      const slices = await object.partition(partitionSequences, { numChunks: 5 })
      const pieces = await Promise.all(slices.map((slice) => slice.bytes()))
      expect(Buffer.concat(pieces).toString('latin1')).toBe(genome)
    }
  })

  it('may come from a file without a last line feed, with CRLF, and with blank lines after sequences', async () => {
    for (const text of [
      '>a\nACGT\nAC\n>b\nA',
      '>a\r\nACGT\r\nAC\r\n>b\r\nA',
      '>a\nACGT\nAC\n\n\n>b\nA\n\n',
    ]) {
      const sequences = parseFasta(text) as Exclude<ReturnType<typeof parseFasta>, number>
      const object = await open(world(bytesOf(text), faiOf(sequences)).store)
      expect(object.attributes).toEqual({
        numSequences: 2,
        totalResidues: 7,
        longest: { name: 'a', length: 6 },
      })
      expect(await exported(object)).toBe(faiOf(sequences))
      for (const numChunks of [2, 5]) {
        const slices = await object.partition(partitionSequences, { numChunks })
        const pieces = await Promise.all(slices.map((slice) => slice.bytes()))
        expect(Buffer.concat(pieces).toString('latin1')).toBe(text)
      }
    }
  })

  it.each([
    ['of another object', 'chr0\t2\t15\t56\t57\nchrX\t1000\t200\t56\t57\n'],
    ['not one', 'not an index\n'],
    ['of FASTQ', 'a\t2\t3\t2\t3\t8\n'],
    ['with a wrong name', genomeFai.replace('chr0', 'chrQ')],
    ['of fewer sequences', genomeFai.split('\n').slice(0, 30).join('\n')],
    [
      'with an offset too far',
      genomeFai.replaceAll(/\n(chr59\t\d+\t)(\d+)/g, (_, a, b) => `\n${a}${Number(b) + 1}`),
    ],
    ['out of order', genomeFai.trim().split('\n').reverse().join('\n')],
    ['past the end', `${genomeFai}more\t100\t${genome.length + 9}\t50\t51\n`],
    ['with lines that cannot be', 'chr0\t2\t15\t57\t56\n'],
  ])('is refused when it is %s, and can be ignored', async (_what, fai) => {
    for (const chunkSize of [700, 1 << 20]) {
      await expect(open(world(bytesOf(genome), fai).store, { chunkSize })).rejects.toMatchObject({
        code: 'INVALID_INDEX',
      })
    }
    const object = await open(world(bytesOf(genome), fai).store, { formatOptions: { fai: false } })
    expect(await exported(object)).toBe(genomeFai)
  })

  it('takes no other option', async () => {
    for (const formatOptions of [{ fai: 'x' }, { fia: true }] as object[]) {
      await expect(open(world(bytesOf(genome)).store, { formatOptions })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
  })
})

describe('importFai', () => {
  it('publishes what a scan would', async () => {
    const [scanned, other] = [world(bytesOf(genome)), world(bytesOf(genome))]
    await open(scanned.store)
    const object = await CloudObject.open(FASTA, 'memory:g/x.fa', { store: other.store })
    await importFai(object, bytesOf(genomeFai), 'x.fai')
    expect((await indexOf(other.store)).equals(await indexOf(scanned.store))).toBe(true)
  })

  it('refuses other files, and compressed objects', async () => {
    const plain = await CloudObject.open(FASTA, 'memory:g/x.fa', { store: world(bytesOf(genome)).store })
    await expect(importFai(plain, bytesOf('x'), 'x.fai')).rejects.toMatchObject({ code: 'INVALID_INDEX' })
    const packed = await CloudObject.open(FASTA, 'memory:g/x.fa', { store: world(gzipSync(genome)).store })
    await expect(importFai(packed, bytesOf(genomeFai), 'x.fai')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
  })
})
