import { constants, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Executor } from '../../src/cloud/executor.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import type { PreprocessOptions } from '../../src/cloud/preprocess.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import * as fastq from '../../src/formats/fastq.js'
import { detectFormat } from '../../src/formats/registry.js'
import { memoryStore } from '../../src/storage/memory.js'
import { readBytes } from '../../src/storage/store.js'
import { fastqText, parseFastq } from './fastq-oracle.js'
import { piecemeal } from './open-text.js'

const { FASTQ, partitionChunkSize, partitionPairs, partitionReadsBatches, partitionSequencesPerChunk } = fastq

const SPAN = 64 << 10

/** As threads, but here. */
const sideBySide: Executor = { ...inThisThread, name: 'side by side', concurrency: 3 }

interface Opened {
  readonly object: CloudObject<typeof FASTQ>
  index(): Promise<Buffer>
}

async function open(data: Uint8Array, options: PreprocessOptions & { piece?: number } = {}): Promise<Opened> {
  const inner = memoryStore({ 'memory:r.fastq': data })
  const store = options.piece ? piecemeal(options.piece)(inner) : inner
  const object = await CloudObject.open(FASTQ, 'memory:r.fastq', { store })
  await object.preprocess({ span: SPAN, ...options })
  return {
    object,
    async index() {
      const { size } = await inner.head(object.indexUri)
      return Buffer.from(await readBytes(inner, object.indexUri, [0, size]))
    },
  }
}

async function recordsOf(slice: Slice<string[]>): Promise<fastq.FastqRecord[]> {
  const records: fastq.FastqRecord[] = []
  const revived = Slice.fromJSON(JSON.stringify(slice), slice.storage())
  for await (const record of revived.records()) records.push(record as fastq.FastqRecord)
  return records
}

async function bytesOf(slices: readonly Slice<string[]>[]): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const slice of slices) parts.push(await slice.bytes())
  return Buffer.concat(parts)
}

/** How many reads each slice has: as `wanted`, with all records in their order and all bytes in theirs. */
async function expectReads(
  slices: readonly Slice<string[]>[],
  wanted: readonly number[],
  text: string,
  records: readonly fastq.FastqRecord[],
): Promise<void> {
  const found = await Promise.all(slices.map(recordsOf))
  expect(found.map(({ length }) => length)).toEqual(wanted)
  expect(found.flat()).toEqual(records)
  expect((await bytesOf(slices)).toString('latin1')).toBe(text)
  if (slices.length > 0) expect((await verifyTiling(slices)).faults).toEqual([])
}

function evenly(total: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(total / count) + (i < total % count ? 1 : 0))
}

describe('FASTQ', () => {
  it('is cut at reads, plain and compressed, whatever the chunks, pieces and workers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fastqText,
        fc.boolean(),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 70 }),
        async (text, compressed, chunkSize, piece, count) => {
          const data = compressed ? gzipSync(text) : Buffer.from(text)
          const { object } = await open(data, { chunkSize: Math.max(chunkSize, data.length >> 7), piece })
          const expected = parseFastq(text)
          if (typeof expected === 'number') throw new Error('the generator makes FASTQ')
          const { records, attributes } = expected
          expect(object.attributes).toEqual(attributes)
          const total = records.length
          await expectReads(
            await object.partition(partitionReadsBatches, { numBatches: count }),
            evenly(total, count),
            text,
            records,
          )
          for (const strategy of ['expand', 'merge'] as const) {
            const slices = await object.partition(partitionSequencesPerChunk, {
              seqPerChunk: count,
              strategy,
            })
            const full = Math.floor(total / count)
            const rest = total % count
            const wanted = Array.from({ length: full }, () => count)
            if (rest > 0 && (strategy === 'expand' || full === 0)) wanted.push(rest)
            else if (rest > 0) wanted.push((wanted.pop() as number) + rest)
            if (total === 0 && text.length > 0) wanted.push(0)
            await expectReads(slices, wanted, text, records)
          }
          const bySize = await object.partition(partitionChunkSize, { chunkSize: count * 20 })
          const reads = (await Promise.all(bySize.map(recordsOf))).map(({ length }) => length)
          await expectReads(bySize, reads, text, records)
          if (total > 0) expect(reads).not.toContain(0)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('has the same index, byte for byte, whatever cuts it', async () => {
    const [text] = fc.sample(
      fastqText.filter((sample) => sample.length > 2000 && sample.endsWith('I\n')),
      { numRuns: 1, seed: 5 },
    ) as [string]
    for (const data of [Buffer.from(text), gzipSync(text), gzipSync(text.repeat(60), { level: 1 })]) {
      const whole = await (await open(data)).index()
      for (const chunkSize of [61, 512, 4000, 100_000]) {
        if (data.length / chunkSize > 200) continue
        expect((await (await open(data, { chunkSize, executor: sideBySide })).index()).equals(whole)).toBe(
          true,
        )
        expect((await (await open(data, { chunkSize, piece: 37 })).index()).equals(whole)).toBe(true)
      }
    }
  })

  it('is the same however it is cut: at every byte, in two and three', async () => {
    for (const text of [
      '@a b\r\nAC\r\n+\r\n@+\r\n@b\r\n\r\n+\r\n\r\n@c\r\nA\r\n+\r\n@\r\n\r\n',
      '@a\nAC\n+\n@+\n@b\nG\n+a\n+',
    ]) {
      const whole = await (await open(Buffer.from(text))).index()
      for (let chunkSize = 1; chunkSize < text.length; chunkSize++) {
        const { object, index } = await open(Buffer.from(text), { chunkSize })
        expect(parseFastq(text)).toMatchObject({ attributes: object.attributes })
        expect((await index()).equals(whole)).toBe(true)
      }
    }
  })

  it('refuses what is no FASTQ, and only that, at the first faulty read', async () => {
    const line = fc.constantFrom('@', '+', '@a', '+a', 'A', 'AC', 'II', '', '\r', '@\r')
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 14 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        async (lines, ends, chunkSize) => {
          const text = lines.join('\n') + (ends && lines.length > 0 ? '\n' : '')
          const expected = parseFastq(text)
          const outcome: unknown = await open(Buffer.from(text), { chunkSize }).catch(
            (error: unknown) => error,
          )
          if (typeof expected === 'number') {
            expect(outcome).toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:r.fastq' })
            expect((outcome as Error).message).toMatch(`read ${expected} of `)
          } else {
            expect((outcome as Opened).object.attributes).toEqual(expected.attributes)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it.each([
    ['multi-line', '@a\nACGT\nACGT\n+\nIIII\nIIII\n', 1, 8, /third line/],
    ['a missing fourth line', '@a\nACG\n+\n@b\nGTT\n+\nIII\n', 1, 9, /sequence has 3 .* quality 2/],
    ['one that the next header hides', '@a\nAC\n+\n@b\nGT\n+\nII\n', 2, 11, /first line/],
    ['a missing last line', '@a\nAC\n+\nII\n@b\nGT\n+\n', 2, 19, /ends after 3/],
    ['a short quality', '@a\nAC\n+\nII\n@b\nGT\n+\nI\n@c\nA\n+\nI\n', 2, 19, /sequence has 2 .* quality 1/],
    ['a header without @', '@a\nAC\n+\nII\nb\nGT\n+\nII\n', 2, 11, /first line/],
    ['a blank line between records', '@a\nAC\n+\nII\n\n@b\nGT\n+\nII\n', 2, 11, /first line/],
    ['a blank line at the start', '\n@a\nAC\n+\nII\n', 1, 0, /first line/],
    ['a byte order mark', '\u00ef\u00bb\u00bf@a\nAC\n+\nII\n', 1, 0, /first line/],
    ['text', 'some text\n', 1, 0, /first line/],
  ])('names the read and the offset of %s', async (_what, text, read, offset, message) => {
    const data = Buffer.from(text, 'latin1')
    for (const stored of [data, gzipSync(data)]) {
      for (const chunkSize of [1, 5, 1000]) {
        const error: unknown = await open(stored, { chunkSize }).catch((error: unknown) => error)
        expect(error).toMatchObject({ code: 'MALFORMED_DATA', offset })
        expect((error as Error).message).toMatch(`read ${read} of `)
        expect((error as Error).message).toMatch(message)
      }
    }
  })

  it('may be empty, and may have blank lines at the end', async () => {
    for (const text of ['', '\n', '\r\n\n']) {
      for (const data of [Buffer.from(text), gzipSync(text)]) {
        const { object } = await open(data)
        expect(object.attributes).toEqual({
          totalReads: 0,
          totalBases: 0,
          minReadLength: 0,
          maxReadLength: 0,
        })
        const batches = await object.partition(partitionReadsBatches, { numBatches: 3 })
        expect(batches.length).toBe(3)
        expect((await bytesOf(batches)).toString()).toBe(text)
        expect(await batches[0]?.get()).toEqual(text.split(/\r?\n/).slice(0, -1))
      }
    }
  })

  it('gives lines, records, text and bytes', async () => {
    const text = '@a 1 2\r\nAC\r\n+\r\n@+\r\n@b\r\nGTT\r\n+b\r\n+@@'
    const { object } = await open(Buffer.from(text))
    const [first, second] = (await object.partition(partitionReadsBatches, { numBatches: 2 })) as [
      Slice<string[]>,
      Slice<string[]>,
    ]
    expect(await first.get()).toEqual(['@a 1 2', 'AC', '+', '@+'])
    expect(await second.text()).toBe('@b\r\nGTT\r\n+b\r\n+@@')
    expect(await recordsOf(first)).toEqual([{ id: 'a', description: '1 2', sequence: 'AC', quality: '@+' }])
    expect(await recordsOf(second)).toEqual([{ id: 'b', description: '', sequence: 'GTT', quality: '+@@' }])
  })

  it('balances chunks by bytes where reads differ in length', async () => {
    const read = (length: number) => `@r\n${'A'.repeat(length)}\n+\n${'I'.repeat(length)}\n`
    const text = read(50).repeat(3000) + read(3000).repeat(60)
    const { object } = await open(Buffer.from(text))
    const slices = await object.partition(partitionChunkSize, { chunkSize: 50_000 })
    expect(slices.length).toBe(Math.ceil(text.length / 50_000))
    for (const slice of slices) {
      const { length } = await slice.bytes()
      expect(length).toBeLessThan(50_000 + 7000)
      expect(length).toBeGreaterThan(50_000 - 9000)
    }
  })

  it('is balanced between the seek points of a compressed object too', async () => {
    const text = Array.from(
      { length: 20_000 },
      (_, i) => `@r${i}\n${'ACGT'.repeat(25)}\n+\n${'I'.repeat(100)}\n`,
    ).join('')
    const { object } = await open(gzipSync(text), { span: 1 << 20 })
    const slices = await object.partition(partitionChunkSize, { chunkSize: 100_000 })
    expect(slices.length).toBe(Math.ceil(text.length / 100_000))
    for (const slice of [slices[0], slices[20], slices.at(-1)]) {
      const { length } = (await slice?.bytes()) ?? []
      expect(Math.abs(length - text.length / slices.length)).toBeLessThan(2000)
    }
  })
})

describe('partitionPairs', () => {
  const side = (count: number, length: number) =>
    Array.from(
      { length: count },
      (_, i) => `@r${i}\n${'A'.repeat(length + i)}\n+\n${'@'.repeat(length + i)}\n`,
    ).join('')

  it('cuts both at the same reads', async () => {
    const [r1, r2] = [await open(Buffer.from(side(23, 5))), await open(gzipSync(side(23, 90)))]
    const pairs = await partitionPairs(r1.object, r2.object, { numBatches: 7 })
    expect(pairs.length).toBe(7)
    let read = 0
    for (const [left, right] of pairs) {
      const ids = (await recordsOf(left)).map(({ id }) => id)
      expect((await recordsOf(right)).map(({ id }) => id)).toEqual(ids)
      for (const id of ids) expect(id).toBe(`r${read++}`)
    }
    expect(read).toBe(23)
  })

  it('refuses objects with different numbers of reads', async () => {
    const [r1, r2] = [await open(Buffer.from(side(3, 5))), await open(Buffer.from(side(4, 5)))]
    await expect(partitionPairs(r1.object, r2.object, { numBatches: 2 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})

describe('FASTQGZip', () => {
  it('is found by name and by content, and is the same format', async () => {
    expect(fastq.FASTQGZip).toBe(FASTQ)
    const head = (text: string) => async () => Buffer.from(text)
    for (const name of ['a.fastq', 'a.fq', 's3://b/A.FASTQ.GZ', 'a.fq.bgz']) {
      expect((await detectFormat(name, head(''))).name).toBe('fastq')
    }
    expect((await detectFormat('a', head('@a\nAC\n+\nII\n'))).name).toBe('fastq')
    expect((await detectFormat('a', head('@HD\tVN:1.6\n@SQ\tSN:x\n@PG\tID:y\n'))).name).toBe('text')
  })

  it('reads streams of every compression level', async () => {
    const [text] = fc.sample(
      fastqText.filter(({ length }) => length > 2000),
      { numRuns: 1, seed: 1 },
    ) as [string]
    for (const options of [{ level: 0 }, { level: 9 }, { strategy: constants.Z_HUFFMAN_ONLY }]) {
      const { object } = await open(gzipSync(text, options))
      expect(parseFastq(text)).toMatchObject({ attributes: object.attributes })
    }
  })
})
