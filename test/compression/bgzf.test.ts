import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { decodeSeekTable } from '../../src/compression/seek-table.js'
import { partitionChunkLines, partitionNumChunks } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import { counting } from '../formats/open-text.js'
import { bgzf, bgzfBlock } from './bgzf.js'
import { contentOf, indexOf, makeText, openGzip, SPAN, sideBySide } from './objects.js'

const subfield = Buffer.from('XX\x03\x00abc', 'latin1')

async function seekTable(stored: Uint8Array) {
  const object = await openGzip(stored)
  await object.preprocess({ span: SPAN })
  const index = object.index()
  return {
    index,
    table: decodeSeekTable(await index.section('gzip-points'), object.uri),
    windows: index.sectionLength('gzip-windows'),
  }
}

describe('a BGZF object', () => {
  it('has the same index, byte for byte, whatever the chunk size and the number of workers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 0, max: 900_000 }),
        fc.integer({ min: 2_000, max: 65_280 }),
        fc.constantFrom(0, 1, 6),
        fc.constantFrom(Buffer.alloc(0), subfield),
        fc.integer({ min: 1, max: 200_000 }),
        async (seed, size, blockSize, level, extra, chunkSize) => {
          const content = makeText(seed, size)
          const stored = bgzf(content, blockSize, level, extra)
          const whole = await indexOf(stored, inThisThread, stored.length)
          expect((await indexOf(stored, sideBySide, chunkSize)).equals(whole)).toBe(true)
          expect((await indexOf(stored, inThisThread, chunkSize)).equals(whole)).toBe(true)
          const object = await openGzip(stored)
          expect(object.compression).toBe('bgzf')
          await object.preprocess({ executor: sideBySide, chunkSize, span: SPAN })
          for (const slices of [
            await object.partition(partitionNumChunks, { numChunks: 5 }),
            await object.partition(partitionChunkLines, { linesPerChunk: 700 }),
          ]) {
            expect((await contentOf(slices)).equals(content)).toBe(true)
          }
        },
      ),
      { numRuns: 20 },
    )
  })

  it('has its seek points at the starts of blocks, which need no window', async () => {
    const { table, windows } = await seekTable(bgzf(makeText(1, 2_000_000)))
    expect(table.length).toBeGreaterThan(10)
    for (let i = 0; i < table.length; i++) {
      const { content } = table.point(i)
      // The last block is empty.
      if (content < 2_000_000) expect(content % 65280).toBe(0)
    }
    expect(windows).toBe(0)
  })

  it('is decoded side by side from the first block on that each chunk finds, and read once', async () => {
    const stored = bgzf(makeText(2, 3_000_000))
    const counted = counting(memoryStore({ 'memory:t.gz': stored }))
    const object = await openGzip(stored, counted.store as never)
    const before = counted.bytes
    await object.preprocess({ executor: sideBySide, chunkSize: 200_000, span: SPAN })
    // Each chunk reads on to the end of its last block, 256 KiB at a time.
    const chunks = Math.ceil(stored.length / 200_000)
    expect(counted.bytes - before).toBeLessThan(stored.length + chunks * (300 << 10) + 10_000)
  })

  it('may turn out to be something else on the way', async () => {
    const content = makeText(4, 1_500_000)
    const [a, b, c] = [
      content.subarray(0, 300_000),
      content.subarray(300_000, 1_200_000),
      content.subarray(1_200_000),
    ]
    const stored = Buffer.concat([bgzf(a), gzipSync(b), bgzf(c)])
    const whole = await indexOf(stored, inThisThread, stored.length)
    for (const chunkSize of [1, 100_000]) {
      expect((await indexOf(stored, sideBySide, chunkSize)).equals(whole)).toBe(true)
      expect((await indexOf(stored, inThisThread, chunkSize)).equals(whole)).toBe(true)
    }
    const { index, table } = await seekTable(stored)
    expect(index.header.compression).toMatchObject({ kind: 'bgzf', size: content.length })
    // Points in the large member, too.
    expect(table.point(table.atContent(1_000_000)).content).toBeGreaterThan(800_000)
    const object = await openGzip(stored)
    await object.preprocess({ span: SPAN })
    const slices = await object.partition(partitionNumChunks, { numChunks: 9 })
    expect((await contentOf(slices)).equals(content)).toBe(true)
  })

  it('that holds what looks like BGZF, uncompressed, is not misread', async () => {
    const inner = bgzf(makeText(5, 900_000), 5_000)
    const stored = bgzf(inner, 65280, 0)
    const whole = await indexOf(stored, inThisThread, stored.length)
    expect((await indexOf(stored, sideBySide, 50_000)).equals(whole)).toBe(true)
  })

  it('that is damaged or cut is refused', async () => {
    const stored = bgzf(makeText(6, 400_000))
    for (const at of [19, 30_000, stored.length - 40]) {
      const damaged = Buffer.from(stored)
      damaged[at] = (damaged[at] as number) ^ 4
      for (const executor of [inThisThread, sideBySide]) {
        const object = await openGzip(damaged)
        await expect(object.preprocess({ executor, chunkSize: 40_000, span: SPAN })).rejects.toMatchObject({
          code: 'MALFORMED_DATA',
        })
      }
    }
    for (const length of [100, stored.length - 5]) {
      const object = await openGzip(stored.subarray(0, length))
      await expect(object.preprocess({ executor: sideBySide, span: SPAN })).rejects.toMatchObject({
        code: 'MALFORMED_DATA',
      })
    }
    // Between blocks nothing shows that more should come, as in any gzip file.
    const object = await openGzip(bgzfBlock(Buffer.from('a\nb')))
    await object.preprocess()
    expect(object.attributes).toEqual({ totalLines: 2, endsWithNewline: false })
  })
})
