import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { PreprocessOptions } from '../../src/cloud/preprocess.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import * as bam from '../../src/formats/bam.js'
import { detectFormat } from '../../src/formats/registry.js'
import { memoryStore } from '../../src/storage/memory.js'
import { readBytes } from '../../src/storage/store.js'
import { BGZF_END, bgzf } from '../compression/bgzf.js'
import { sideBySide } from '../compression/objects.js'
import { type BamRecordFields, bamRecord, encodeBamHeader, encodeBamRecord } from './bam-encoder.js'
import { counting, piecemeal } from './open-text.js'

const { BAM, partitionChunkRecords, partitionNumChunks } = bam

const HEADER = encodeBamHeader('@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:5000000\n', [
  ['chr1', 5_000_000],
  ['chr2', 4_000_000],
  ['é', 3_000_000],
])

async function open(data: Uint8Array, options: PreprocessOptions & { piece?: number } = {}) {
  const { piece = 65_536, ...rest } = options
  const inner = memoryStore({ 'memory:x.bam': data })
  const object = await CloudObject.open(BAM, 'memory:x.bam', { store: piecemeal(piece)(inner) })
  await object.preprocess({ span: 64 << 10, ...rest })
  return { object, inner }
}

const contentOf = (records: readonly BamRecordFields[], header = HEADER) =>
  Buffer.concat([header, ...records.map(encodeBamRecord)])

async function namesOf(slice: Slice<Uint8Array>): Promise<string[]> {
  const names: string[] = []
  const revived = Slice.fromJSON(JSON.stringify(slice), slice.storage())
  for await (const record of revived.records()) names.push((record as bam.BamRecord).name)
  return names
}

/** The content of a slice, which must be a BAM: header, records, and the block that ends a file. */
async function bodyOf(slice: Slice<Uint8Array>, header = HEADER): Promise<Buffer> {
  const bytes = Buffer.from(await slice.get())
  expect(bytes.subarray(-BGZF_END.length).equals(BGZF_END)).toBe(true)
  const content = gunzipSync(bytes)
  expect(content.subarray(0, header.length).equals(header)).toBe(true)
  return content.subarray(header.length)
}

describe('BAM', () => {
  it('is cut into BAMs that have all records once, whatever the blocks, chunks and workers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(bamRecord, { maxLength: 60 }),
        fc.constantFrom('plain', 'gzip', 'bgzf'),
        fc.integer({ min: 30, max: 3000 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 20, max: 3000 }),
        async (records, kind, blockSize, count, piece) => {
          const content = contentOf(records)
          const data = {
            plain: () => content,
            gzip: () => gzipSync(content),
            bgzf: () => bgzf(content, blockSize),
          }
          const chunkSize = Math.max(kind === 'plain' ? 4096 : blockSize, content.length >> 7)
          const { object } = await open(data[kind](), { piece, chunkSize, executor: sideBySide })
          expect(object.attributes.totalRecords).toBe(records.length)
          for (const [slices, wanted] of [
            [await object.partition(partitionNumChunks, { numChunks: count }), count],
            [
              await object.partition(partitionChunkRecords, { recordsPerChunk: count }),
              Math.max(1, Math.ceil(records.length / count)),
            ],
          ] as const) {
            expect(slices).toHaveLength(wanted)
            const bodies = await Promise.all(slices.map((slice) => bodyOf(slice)))
            expect(Buffer.concat(bodies).equals(content.subarray(HEADER.length))).toBe(true)
            const names = await Promise.all(slices.map(namesOf))
            expect(names.flat()).toEqual(records.map(({ name }) => name))
            expect((await verifyTiling(slices)).faults).toEqual([])
          }
          const even = await object.partition(partitionNumChunks, { numChunks: count })
          const sizes = (await Promise.all(even.map(namesOf))).map(({ length }) => length)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        },
      ),
      { numRuns: 12 },
    )
  })

  it('has the same index, byte for byte, whatever cuts it', async () => {
    const records = fc.sample(bamRecord, { numRuns: 700, seed: 3 })
    const content = contentOf(records)
    const indexBytes = async (data: Uint8Array, options: PreprocessOptions & { piece?: number }) => {
      const { object, inner } = await open(data, options)
      const { size } = await inner.head(object.indexUri)
      return Buffer.from(await readBytes(inner, object.indexUri, [0, size]))
    }
    for (const data of [content, bgzf(content, 5000)]) {
      const whole = await indexBytes(data, {})
      for (const chunkSize of [data.length >> 8, 4096, 5001, 70_000]) {
        const executor = sideBySide
        expect((await indexBytes(data, { chunkSize, executor })).equals(whole)).toBe(true)
        expect((await indexBytes(data, { chunkSize, piece: 997 })).equals(whole)).toBe(true)
      }
    }
  })

  it('is the same however it is cut: in chunks of each length up to that of the content', async () => {
    const records = fc.sample(bamRecord, { numRuns: 5, seed: 8 }).map((record) => ({
      ...record,
      bases: record.bases.slice(0, 7),
      tags: new Uint8Array(0),
    }))
    const content = contentOf(records)
    for (let chunkSize = 1; chunkSize < content.length; chunkSize++) {
      const { object } = await open(content, { chunkSize })
      expect(object.attributes.totalRecords).toBe(records.length)
    }
  })

  it('is the same in chunks long enough to be looked at for a first record', async () => {
    const many = contentOf(fc.sample(bamRecord, { numRuns: 300, seed: 4 }))
    for (let chunkSize = 4096; chunkSize < 4096 + 40; chunkSize++) {
      const { object } = await open(many, { chunkSize })
      expect(object.attributes.totalRecords).toBe(300)
    }
  })

  it('leaves aside what looks like a long record inside another, when a chunk sees it first', async () => {
    const [template] = fc.sample(bamRecord, { numRuns: 1, seed: 1 }) as [BamRecordFields]
    const lure = encodeBamRecord(template)
    // Past what the chunk looks at, so that nothing it leads to shows what it is.
    lure.writeUInt32LE(1 << 20)
    const size = Buffer.alloc(4)
    size.writeUInt32LE(lure.length * 3)
    const luring = { ...template, tags: Buffer.concat([Buffer.from('XXBC'), size, lure, lure, lure]) }
    const content = contentOf(Array.from({ length: 200 }, () => luring))
    for (const chunkSize of [4096, 4097, 5000, 9000, 20_000]) {
      const { object } = await open(content, { chunkSize })
      expect(object.attributes.totalRecords).toBe(200)
    }
  })

  it('finds its way through records longer than chunks', async () => {
    const [template] = fc.sample(bamRecord, { numRuns: 1, seed: 1 }) as [BamRecordFields]
    const long = { ...template, bases: 'ACGT'.repeat(60_000) }
    const content = contentOf([template, long, template, long, long, template])
    for (const chunkSize of [4096, 10_000, 100_000]) {
      const { object } = await open(content, { chunkSize })
      expect(object.attributes.totalRecords).toBe(6)
      const slices = await object.partition(partitionNumChunks, { numChunks: 3 })
      expect(
        Buffer.concat(await Promise.all(slices.map((slice) => bodyOf(slice)))).equals(
          content.subarray(HEADER.length),
        ),
      ).toBe(true)
    }
  })

  it('has the facts of its header', async () => {
    const { object } = await open(bgzf(HEADER))
    expect(object.attributes).toEqual({
      references: [
        { name: 'chr1', length: 5_000_000 },
        { name: 'chr2', length: 4_000_000 },
        { name: 'é', length: 3_000_000 },
      ],
      header: '@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:5000000\n',
      sortOrder: 'coordinate',
      totalRecords: 0,
      totalReferences: 3,
      bodyOffset: HEADER.length,
      omitted: [],
    })
    const padded = await open(bgzf(encodeBamHeader('@CO\tSO:x\n\0\0\0', [])))
    expect(padded.object.attributes).toMatchObject({
      header: '@CO\tSO:x\n',
      sortOrder: 'unknown',
      references: [],
    })
    const names = Array.from({ length: 40_000 }, (_, i) => [`scaffold_${i}`, i + 1] as const)
    const large = encodeBamHeader(
      `@HD\tVN:1\tSO:queryname\n${names.map(([n]) => `@SQ\tSN:${n}\n`).join('')}`,
      names,
    )
    const { attributes } = (await open(bgzf(large), { chunkSize: 5000 })).object
    expect(attributes).toMatchObject({ omitted: ['header', 'references'], totalReferences: 40_000 })
    expect(attributes).toMatchObject({ sortOrder: 'queryname', references: [], header: '' })
  })

  it.each([
    ['text', Buffer.from('some text\n'), 0, /does not start with "BAM/],
    ['nothing', Buffer.alloc(0), 0, /is empty/],
    ['a header that ends', HEADER.subarray(0, -1), 0, /ends within its header/],
    ['a header of negative length', Buffer.from('42414d01ffffffff', 'hex'), 4, /negative length/],
    ['a BAM that was compressed again', bgzf(HEADER), 0, /compressed twice/],
  ])('refuses %s', async (_what, content, offset, message) => {
    for (const data of content.length > 0 ? [gzipSync(content), bgzf(content)] : [content]) {
      await expect(open(data)).rejects.toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:x.bam', offset })
      await expect(open(data)).rejects.toThrow(message)
    }
  })

  it('names the record that is none, and one that is cut off', async () => {
    const records = fc.sample(bamRecord, { numRuns: 200, seed: 6 })
    const content = contentOf(records)
    const at = contentOf(records.slice(0, 150)).length
    for (const chunkSize of [4096, 20_000, 1 << 20]) {
      const damaged = Buffer.from(content)
      damaged.writeInt32LE(-7, at + 4)
      const outcome = open(damaged, { chunkSize })
      if (chunkSize > content.length) {
        await expect(outcome).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: at })
        await expect(outcome).rejects.toThrow(`no record where its record 151 should be, at byte ${at}`)
      } else {
        // Who does not know where records start finds the damage, and how to learn the rest.
        await expect(outcome).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
        await expect(outcome).rejects.toThrow(/no record where|chunkSize of its whole content/)
      }
      for (const cut of [1, 3, 40]) {
        const short = open(content.subarray(0, at + cut), { chunkSize })
        await expect(short).rejects.toThrow(/ends within its record 151/)
        await expect(short).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: at + cut })
      }
    }
  })

  it('reads a slice by one request, and a long header once', async () => {
    const records = fc.sample(bamRecord, { numRuns: 400, seed: 9 })
    const comments = Array.from({ length: 900 }, (_, i) => `@CO\t${(i * 7919) % 1e6}\n`).join('')
    for (const [header, requests] of [
      [HEADER, 4],
      [encodeBamHeader(comments, [['chr1', 5]]), 5],
    ] as const) {
      const counted = counting(memoryStore({ 'memory:x.bam': bgzf(contentOf(records, header), 9000) }))
      const object = await CloudObject.open(BAM, 'memory:x.bam', { store: counted.store })
      await object.preprocess()
      const slices = await object.partition(partitionNumChunks, { numChunks: 4 })
      counted.requests = 0
      for (const slice of slices) await bodyOf(slice, header)
      expect(counted.requests).toBe(requests)
    }
  })

  it('is recognised by name and content', async () => {
    const head = async () => HEADER
    for (const name of ['a.bam', 'A.BAM', 'no-name']) {
      expect((await detectFormat(`memory:${name}`, head)).name).toBe('bam')
    }
  })
})
