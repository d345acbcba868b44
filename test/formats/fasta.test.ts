import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Executor } from '../../src/cloud/executor.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import type { PreprocessOptions } from '../../src/cloud/preprocess.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import * as fasta from '../../src/formats/fasta.js'
import { detectFormat } from '../../src/formats/registry.js'
import { memoryStore } from '../../src/storage/memory.js'
import { readBytes } from '../../src/storage/store.js'
import { bgzf } from '../compression/bgzf.js'
import { fastaText, type OracleSequence, parseFasta } from './fasta-oracle.js'
import { counting, piecemeal } from './open-text.js'

const { FASTA, partitionChunksStrategy, partitionRegions, partitionSequences } = fasta

/** As threads, but here. */
const sideBySide: Executor = { ...inThisThread, name: 'side by side', concurrency: 3 }

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

async function open(data: Uint8Array, options: PreprocessOptions & { piece?: number } = {}) {
  const inner = memoryStore({ 'memory:s.fa': data })
  const counts = counting(options.piece ? piecemeal(options.piece)(inner) : inner)
  const object = await CloudObject.open(FASTA, 'memory:s.fa', { store: counts.store })
  await object.preprocess({ span: 64 << 10, ...options })
  return {
    object,
    counts,
    async index() {
      const { size } = await inner.head(object.indexUri)
      return Buffer.from(await readBytes(inner, object.indexUri, [0, size]))
    },
  }
}

function parsed(text: string): readonly OracleSequence[] {
  const sequences = parseFasta(text)
  if (typeof sequences === 'number') throw new Error('this is no FASTA')
  return sequences
}

/** UTF-8, as records are. */
const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString()

function recordOf({ header, residues }: Pick<OracleSequence, 'header' | 'residues'>): fasta.FastaRecord {
  const [, id = '', description = ''] = /^>\s*(\S*)(?:\s(.*?))?\r*$/s.exec(utf8(header)) ?? []
  return { id, description, sequence: residues }
}

async function recordsOf(slice: Slice<string>): Promise<fasta.FastaRecord[]> {
  const records: fasta.FastaRecord[] = []
  const revived = Slice.fromJSON(JSON.stringify(slice), slice.storage())
  for await (const record of revived.records()) records.push(record as fasta.FastaRecord)
  return records
}

/** The slice's bytes without the header that it repeats, and that header. */
async function bodyOf(slice: Slice<string>): Promise<{ body: string; header: string | undefined }> {
  const text = textOf(await slice.bytes())
  const { header } = slice.toJSON().data
  if (header === undefined) return { body: text, header: undefined }
  const end = text.indexOf('\n') + 1
  return { body: text.slice(end), header: text.slice(0, end) }
}

async function expectStretches(text: string, slices: readonly Slice<string>[]): Promise<void> {
  const sequences = parsed(text)
  let at = 0
  for (const slice of slices) {
    const { body, header } = await bodyOf(slice)
    expect(body).toBe(text.slice(at, at + body.length))
    const inside = sequences.find(({ sequence, end }) => sequence <= at && at < end)
    if (body !== '' && inside && at > inside.start) {
      const before = text.slice(inside.sequence, at).replace(/[^!-~]/g, '').length
      const line = text.slice(inside.start, inside.sequence)
      expect(header).toBe(line.replace(/(\r?\n)$/, ` offset=${before}$1`))
    } else {
      expect(header).toBeUndefined()
    }
    // Each is FASTA by itself.
    expect(typeof parseFasta((header ?? '') + body)).toBe('object')
    at += body.length
  }
  expect(at).toBe(text.length)
  if (slices.length > 0) expect((await verifyTiling(slices)).faults).toEqual([])
}

describe('FASTA', () => {
  it('gives a description without carriage returns at its end, whether a line feed ends the header or not', async () => {
    for (const text of ['>A x\r\r', '>A x\r\r\n', '>A x\r\nAC\n', '>A x']) {
      const { object } = await open(bytesOf(text))
      const [slice] = await object.partition(partitionSequences, { numChunks: 1 })
      expect(await recordsOf(slice as Slice<string>)).toMatchObject([{ id: 'A', description: 'x' }])
    }
  })

  it('is cut between and inside sequences, plain and compressed, whatever the chunks and pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fastaText,
        fc.constantFrom('plain', 'gzip', 'bgzf'),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 20 }),
        async (text, kind, chunkSize, piece, numChunks) => {
          const plain = bytesOf(text)
          const data = kind === 'plain' ? plain : kind === 'gzip' ? gzipSync(plain) : bgzf(plain, 100)
          const { object } = await open(data, { chunkSize: Math.max(chunkSize, data.length >> 7), piece })
          const sequences = parsed(text)
          const longest = Math.max(...sequences.map(({ residues }) => residues.length))
          const first = sequences.find(({ residues }) => residues.length === longest)
          expect(object.attributes).toEqual({
            numSequences: sequences.length,
            totalResidues: sequences.reduce((sum, { residues }) => sum + residues.length, 0),
            longest: first ? { name: utf8(first.name), length: longest } : null,
          })
          const chunks = await object.partition(partitionChunksStrategy, { numChunks })
          expect(chunks.length).toBe(numChunks)
          await expectStretches(text, chunks)
          const whole = await object.partition(partitionSequences, { numChunks })
          expect(whole.length).toBe(numChunks)
          await expectStretches(text, whole)
          if (text.includes('\x00') || !utf8(text).includes('\ufffd')) {
            const records = (await Promise.all(whole.map(recordsOf))).flat()
            expect(records).toEqual(sequences.map(recordOf))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('has the same index, byte for byte, whatever cuts it', async () => {
    await fc.assert(
      fc.asyncProperty(fastaText, fc.integer({ min: 1, max: 500 }), async (text, chunkSize) => {
        const data = bytesOf(text)
        const whole = await (await open(data)).index()
        const other = await open(data, {
          chunkSize: Math.max(chunkSize, data.length >> 8),
          executor: sideBySide,
          piece: 7,
        })
        expect((await other.index()).equals(whole)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('is the same however it is cut: at every byte, in two and three', async () => {
    for (const text of [
      '\n>a b\r\nACGT\r\nACGT\r\nAC\r\n\r\n>bb\r\n>ccc >d\r\nA\r\n\r\n\r\n',
      '>a\nAAAA\nCC\n>ab\nGG GG\nGG\n\n>abc\nA\nAA\n>b\n\nC\n>a',
      '>x\nAC\n\nGT\n>y\nAC\r\nACG\nAC\n>z\n\r\nA',
    ]) {
      const whole = await (await open(bytesOf(text))).index()
      for (let chunkSize = 1; chunkSize < text.length; chunkSize++) {
        const { object, index } = await open(bytesOf(text), { chunkSize })
        expect((await index()).equals(whole)).toBe(true)
        await expectStretches(text, await object.partition(partitionChunksStrategy, { numChunks: chunkSize }))
      }
    }
  })

  it('has the same index over pages of many sequences', async () => {
    const text = Array.from(
      { length: 60_000 },
      (_, i) => `>seq.${i} x\n${'ACGT'.repeat((i * 7) % 23)}\n`,
    ).join('')
    const whole = await (await open(bytesOf(text))).index()
    for (const chunkSize of [100_003, 1 << 20, (1 << 20) + 1]) {
      const { object, index } = await open(bytesOf(text), { chunkSize })
      expect((await index()).equals(whole)).toBe(true)
      expect(object.attributes.numSequences).toBe(60_000)
    }
    const { object } = await open(gzipSync(text), { span: 64 << 10 })
    const slices = await object.partition(partitionSequences, { numChunks: 9 })
    const records = (await Promise.all(slices.map(recordsOf))).flat()
    expect(records.map(({ id }) => id)).toEqual(Array.from({ length: 60_000 }, (_, i) => `seq.${i}`))
    // A few bytes a sequence, names included.
    expect(whole.length).toBeLessThan(4096 + 60_000 * 11)
  })

  it('is cut at lines, or at residues where lines are long, so that slices are of equal size', async () => {
    const wrapped = `>chr1\n${`${'ACGT'.repeat(15)}\n`.repeat(4000)}`
    const oneLine = `>chr1\r\n${'ACGT'.repeat(60_000)}\r\n`
    for (const text of [wrapped, oneLine]) {
      const { object } = await open(bytesOf(text))
      const slices = await object.partition(partitionChunksStrategy, { numChunks: 7 })
      await expectStretches(text, slices)
      for (const slice of slices) {
        const { body } = await bodyOf(slice)
        expect(Math.abs(body.length - text.length / 7)).toBeLessThan(62)
      }
    }
  })

  it('refuses text before the first header, at its offset', async () => {
    for (const [text, offset] of [
      ['ACGT\n>a\nA\n', 0],
      ['\n\r\nACGT\n>a\nA\n', 3],
      ['\n >a\nA\n', 1],
      ['\u00ef\u00bb\u00bf>a\nA\n', 0],
      ['some text', 0],
      [' \n', 0],
    ] as const) {
      const plain = Buffer.from(text, 'latin1')
      for (const data of [new Uint8Array(plain), gzipSync(plain)]) {
        for (const chunkSize of [1, 2, 5, 1000]) {
          await expect(open(data, { chunkSize })).rejects.toMatchObject({
            code: 'MALFORMED_DATA',
            uri: 'memory:s.fa',
            offset,
          })
        }
      }
    }
  })

  it('refuses a name without end, however it is cut', async () => {
    const text = `>a\nA\n>${'x'.repeat(20_000)} y\nA\n`
    for (const chunkSize of [500, 3000, 100_000]) {
      await expect(open(bytesOf(text), { chunkSize })).rejects.toMatchObject({
        code: 'MALFORMED_DATA',
        offset: 5,
      })
    }
    const long = `>${'x'.repeat(16_000)} ${'y'.repeat(9000)}\nACGT\n`
    for (const chunkSize of [500, 3000, 100_000]) {
      const { object } = await open(bytesOf(long), { chunkSize })
      expect(object.attributes.longest).toEqual({ name: 'x'.repeat(16_000), length: 4 })
    }
  })

  it('may be empty, or blank', async () => {
    for (const text of ['', '\n', '\r\n\n']) {
      const { object } = await open(bytesOf(text))
      expect(object.attributes).toEqual({ numSequences: 0, totalResidues: 0, longest: null })
      for (const strategy of [partitionChunksStrategy, partitionSequences]) {
        const slices = await object.partition(strategy, { numChunks: 3 })
        expect(slices.length).toBe(3)
        await expectStretches(text, slices)
      }
    }
  })

  it('reads a slice by one request, and by one more when it begins inside a sequence', async () => {
    const text = `>chr1 a\n${`${'ACGT'.repeat(15)}\n`.repeat(900)}`
    const { object, counts } = await open(bytesOf(text))
    const slices = await object.partition(partitionChunksStrategy, { numChunks: 5 })
    for (const [i, slice] of slices.entries()) {
      const { requests, bytes } = counts
      const { length } = await slice.bytes()
      expect(counts.requests - requests).toBe(i === 0 ? 1 : 2)
      expect(counts.bytes - bytes).toBeLessThanOrEqual(length)
    }
  })

  it('is found by name and by content', async () => {
    const head = (text: string) => async () => Buffer.from(text)
    for (const name of ['a.fasta', 's3://b/A.FA.GZ', 'a.fna', 'a.faa.bgz']) {
      expect((await detectFormat(name, head(''))).name).toBe('fasta')
    }
    expect((await detectFormat('a', head('>a\nACGT\n'))).name).toBe('fasta')
    expect((await detectFormat('a', head('> quoted\n\n> mail\n'))).name).not.toBe('fastq')
  })
})

describe('partitionRegions', () => {
  const text = '>c1 d\nACGTACGTAC\nGTACGTACGT\nACG\n>x:1-2\nGGGG\n>e\n>odd\nAC\nACGT\n\nA\n>c1\nTTTT\n'

  async function regions(list: readonly string[], lineLength?: number): Promise<string[]> {
    const { object } = await open(bytesOf(text), { piece: 3 })
    const slices = await object.partition(partitionRegions, {
      regions: list,
      ...(lineLength === undefined ? {} : { lineLength }),
    })
    return Promise.all(
      slices.map((slice) => Slice.fromJSON<string>(JSON.stringify(slice), slice.storage()).get()),
    )
  }

  it('gives what samtools gives', async () => {
    expect(await regions(['c1:3-12', 'c1', 'c1:5-', 'c1:-4', 'c1:20-100', 'c1:24-30', 'c1:1,0-1,2'])).toEqual(
      [
        '>c1:3-12\nGTACGTACGT\n',
        '>c1\nACGTACGTACGTACGTACGTACG\n',
        '>c1:5-\nACGTACGTACGTACGTACG\n',
        '>c1:-4\nACGT\n',
        '>c1:20-100\nTACG\n',
        '>c1:24-30\n',
        '>c1:1,0-1,2\nCGT\n',
      ],
    )
    expect(await regions(['x:1-2', '{x:1-2}:2-3', 'x:1-2:2-3', 'e'])).toEqual([
      '>x:1-2\nGGGG\n',
      '>{x:1-2}:2-3\nGG\n',
      '>x:1-2:2-3\nGG\n',
      '>e\n',
    ])
    expect(await regions(['c1:3-12'], 4)).toEqual(['>c1:3-12\nGTAC\nGTAC\nGT\n'])
    expect(await regions(['c1:1-8'], 4)).toEqual(['>c1:1-8\nACGT\nACGT\n'])
  })

  it('counts residues where lines are not regular', async () => {
    expect(await regions(['odd', 'odd:2-4', 'odd:7-7'])).toEqual([
      '>odd\nACACGTA\n',
      '>odd:2-4\nCAC\n',
      '>odd:7-7\nA\n',
    ])
  })

  it('gives the residues of any region of any sequence', async () => {
    await fc.assert(
      fc.asyncProperty(
        fastaText,
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(), fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 80 }),
        async (text, compressed, picks, lineLength) => {
          const sequences = parsed(text).filter(({ name }) => /^[\w|>]+$/.test(name))
          if (sequences.length === 0) return
          const { object } = await open(compressed ? gzipSync(bytesOf(text)) : bytesOf(text))
          const wanted = picks.map(([which, from, length]) => {
            const { name } = sequences[which % sequences.length] as OracleSequence
            const { residues } = parsed(text).find((sequence) => sequence.name === name) as OracleSequence
            const lines =
              residues.slice(from, from + length + 1).match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
            const region = `${name}:${from + 1}-${from + length + 1}`
            return { region, text: `>${region}\n${lines.map((line) => `${line}\n`).join('')}` }
          })
          const slices = await object.partition(partitionRegions, {
            regions: wanted.map(({ region }) => region),
            lineLength,
          })
          expect(await Promise.all(slices.map((slice) => slice.get()))).toEqual(
            wanted.map(({ text }) => text),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('gives records, and has no byte extent', async () => {
    const { object } = await open(bytesOf(text))
    const [slice] = (await object.partition(partitionRegions, { regions: ['c1:2-3'] })) as [Slice<string>]
    expect(await recordsOf(slice)).toEqual([{ id: 'c1:2-3', description: '', sequence: 'CG' }])
    await expect(slice.extent()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('refuses regions that are none', async () => {
    for (const region of [
      'nope',
      'nope:1-2',
      'c1:5-3',
      'c1:0-3',
      'c1:abc',
      'c1:5',
      '',
      7 as unknown as string,
    ]) {
      await expect(regions([region])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(regions(['c1'], 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(regions('c1' as unknown as string[])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('reads the bytes of the region, and no others', async () => {
    const long = `>a\nA\n>chr1 a\n${`${'ACGT'.repeat(15)}\n`.repeat(900)}`
    const { object, counts } = await open(bytesOf(long))
    const [slice] = await object.partition(partitionRegions, { regions: ['chr1:10001-20000'] })
    const { requests, bytes } = counts
    await slice?.bytes()
    expect(counts.requests - requests).toBe(1)
    expect(counts.bytes - bytes).toBeLessThan(10_000 + 10_000 / 60 + 1)
  })
})
