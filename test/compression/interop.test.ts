import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { exportGzipIndex, type GzipIndexKind, importGzipIndex } from '../../src/cloud/gzip-interop.js'
import { FASTQ, partitionReadsBatches } from '../../src/formats/fastq.js'
import { partitionChunkLines, partitionNumChunks } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import { counting } from '../formats/open-text.js'
import { bgzf } from './bgzf.js'
import { contentOf, makeText, openGzip, SPAN, sideBySide } from './objects.js'

const content = makeText(11, 700_000)
const middle = 320_000
const gzip = Buffer.concat([gzipSync(content.subarray(0, middle)), gzipSync(content.subarray(middle))])
const blocks = bgzf(content, 40_000)
const kinds: readonly (readonly [GzipIndexKind, Buffer])[] = [
  ['gztool', gzip],
  ['gztool', blocks],
  ['indexed_gzip', gzip],
  ['indexed_gzip', blocks],
  ['gzi', blocks],
]

async function exported(stored: Uint8Array, kind: GzipIndexKind): Promise<Uint8Array> {
  const object = await openGzip(stored)
  await object.preprocess({ span: SPAN })
  return exportGzipIndex(object, kind)
}

describe.each(kinds)('an index of %s', (kind, stored) => {
  it('that was exported makes the same slices once it is imported', async () => {
    // As files are read: a view of a larger buffer.
    const bytes = Buffer.from(await exported(stored, kind))
    const object = await openGzip(stored)
    await importGzipIndex(object, kind, bytes, { executor: sideBySide, chunkSize: 100_000, span: SPAN })
    const lines = content.toString().split('\n')
    const totalLines = lines.length - (lines.at(-1) === '' ? 1 : 0)
    expect(object.attributes).toEqual({ totalLines, endsWithNewline: content.at(-1) === 10 })
    for (const slices of [
      await object.partition(partitionNumChunks, { numChunks: 6 }),
      await object.partition(partitionNumChunks, { numChunks: 6 }, { selfContained: true }),
      await object.partition(partitionChunkLines, { linesPerChunk: 999 }),
    ]) {
      expect((await contentOf(slices)).equals(content)).toBe(true)
    }
    const third = (await object.partition(partitionChunkLines, { linesPerChunk: 999 }))[2]
    expect(await third?.text()).toBe(
      lines
        .slice(1998, 2997)
        .map((line) => `${line}\n`)
        .join(''),
    )
  })

  it('that is cut anywhere, or of another object, is refused', async () => {
    const bytes = await exported(stored, kind)
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 150)) {
      const object = await openGzip(stored)
      await expect(
        importGzipIndex(object, kind, bytes.subarray(0, length)),
        `${length}`,
      ).rejects.toMatchObject({
        code: 'INVALID_INDEX',
        uri: 'memory:t.gz',
      })
    }
    const other = kind === 'gzi' ? bgzf(makeText(12, 90_000)) : gzipSync(makeText(12, 90_000))
    await expect(importGzipIndex(await openGzip(other), kind, bytes)).rejects.toMatchObject({
      code: 'INVALID_INDEX',
    })
  })

  it('that is damaged is refused, or gives slices that are clearly wrong or right, and never hangs', async () => {
    const bytes = await exported(stored, kind)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: Math.min(bytes.length, 2_000) - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = Uint8Array.from(bytes)
          damaged[at] = (damaged[at] as number) ^ change
          const object = await openGzip(stored)
          try {
            await importGzipIndex(object, kind, damaged, { span: SPAN })
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/^(INVALID_INDEX|MALFORMED_DATA)$/) })
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

it('an import that counts lines reads no more than the last part of the object', async () => {
  const bytes = await exported(gzip, 'gztool')
  const counted = counting(memoryStore({ 'memory:t.gz': gzip }))
  const object = await openGzip(gzip, counted.store as never)
  counted.bytes = 0
  await importGzipIndex(object, 'gztool', bytes)
  // What it wrote is read, too.
  expect(counted.bytes).toBeLessThan(gzip.length / 3)
})

it('claims of an index are not believed', async () => {
  const huge = (make: (bytes: Buffer) => void, length: number) => {
    const bytes = Buffer.alloc(length)
    make(bytes)
    return bytes
  }
  const gztool = huge((b) => {
    b.write('gzipindx', 8, 'latin1')
    b.fill(0xff, 16, 32)
  }, 200)
  const indexed = huge((b) => {
    b.write('GZIDX\x01', 0, 'latin1')
    b.writeBigUInt64LE(BigInt(gzip.length), 7)
    b.writeUInt32LE(1 << 20, 23)
    b.writeUInt32LE(32768, 27)
    b.writeUInt32LE(0xffffffff, 31)
  }, 200)
  const gzi = huge((b) => b.writeBigUInt64LE(1n << 50n, 0), 200)
  for (const [kind, bytes, stored] of [
    ['gztool', gztool, gzip],
    ['indexed_gzip', indexed, gzip],
    ['gzi', gzi, blocks],
  ] as const) {
    await expect(importGzipIndex(await openGzip(stored), kind, bytes)).rejects.toMatchObject({
      code: 'INVALID_INDEX',
    })
  }
})

it('what has no such index says so', async () => {
  const plain = await openGzip(Buffer.from('plain text, and not compressed'))
  await expect(exportGzipIndex(plain, 'gztool')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  const object = await openGzip(gzip)
  await expect(exportGzipIndex(object, 'gztool')).rejects.toMatchObject({ code: 'NOT_PREPROCESSED' })
  await object.preprocess()
  await expect(exportGzipIndex(object, 'gzi')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await expect(exportGzipIndex(object, 'zip' as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

it('a format that cuts at lines counts them itself when the import does not', async () => {
  const text = '@a\nAC\n+\nII\n'.repeat(100)
  const store = memoryStore({ 'memory:r.fq.gz': bgzf(Buffer.from(text), 50) })
  const object = await CloudObject.open(FASTQ, 'memory:r.fq.gz', { store })
  await object.preprocess()
  await importGzipIndex(object, 'gzi', await exportGzipIndex(object, 'gzi'), { span: SPAN })
  const slices = await object.partition(partitionReadsBatches, { numBatches: 7 })
  expect((await contentOf(slices)).toString()).toBe(text)
  expect((await slices[3]?.get())?.length).toBe(4 * 14)
})
