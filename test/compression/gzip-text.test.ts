import { constants, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import {
  partitionChunkLines,
  partitionChunkSize,
  partitionNumChunks,
  UTF8Text,
  wholeWordsStrategy,
} from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import { counting } from '../formats/open-text.js'
import { bitWriter, fixedBlock, member, storedBlock } from '../gzip/encoder.js'
import { contentOf, indexOf, makeText, openGzip, SPAN, sideBySide } from './objects.js'

describe('a gzip object', () => {
  it('is cut like its content, whatever the level, members, chunks and workers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 0, max: 500_000 }),
        fc.constantFrom(0, 1, 6, 9),
        fc.constantFrom(constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_FIXED),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 300_000 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 12 }),
        async (seed, size, level, strategy, members, chunkSize, parallel, numChunks) => {
          const content = makeText(seed, size)
          const each = Math.ceil(size / members) || 1
          const stored = Buffer.concat(
            Array.from({ length: members }, (_, i) =>
              gzipSync(content.subarray(i * each, (i + 1) * each), { level, strategy }),
            ),
          )
          const object = await openGzip(stored)
          await object.preprocess({ executor: parallel ? sideBySide : inThisThread, chunkSize, span: SPAN })
          const lines = content.toString().split('\n')
          const totalLines = lines.length - (lines.at(-1) === '' ? 1 : 0)
          expect(object.attributes).toEqual({ totalLines, endsWithNewline: content.at(-1) === 10 })
          for (const slices of [
            await object.partition(wholeWordsStrategy, { numChunks }),
            await object.partition(partitionNumChunks, { numChunks }, { selfContained: true }),
            await object.partition(partitionChunkSize, { chunkSize: 50_000 }),
            await object.partition(partitionChunkLines, {
              linesPerChunk: 1 + Math.ceil(totalLines / numChunks),
            }),
          ]) {
            expect((await contentOf(slices)).equals(content)).toBe(true)
            if (slices.length > 0) expect((await verifyTiling(slices)).faults).toEqual([])
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  it('has the same index, byte for byte, whatever the chunk size and the number of workers', async () => {
    for (const options of [
      { level: 6 },
      { level: 1 },
      { level: 9, strategy: constants.Z_FIXED },
      { level: 0 },
    ]) {
      const stored = gzipSync(makeText(7, 500_000), options)
      const whole = await indexOf(stored, inThisThread, stored.length)
      for (const chunkSize of [1, 100_000]) {
        expect((await indexOf(stored, sideBySide, chunkSize)).equals(whole)).toBe(true)
        expect((await indexOf(stored, inThisThread, chunkSize)).equals(whole)).toBe(true)
      }
    }
  })

  it('has the same index where blocks that a search finds follow long after one that is a point', async () => {
    const content = makeText(9, 300_000)
    const writer = bitWriter()
    // Fixed codes make a byte of a byte, so that there is a point after 70 000; a search for a block from 65 536
    // on first finds the stored one after it.
    for (let at = 0, i = 1; at < content.length; at += 5_000, i++) {
      const bytes = content.subarray(at, at + 5_000)
      const isLast = at + 5_000 >= content.length
      if (i % 16 === 0) storedBlock(writer, isLast, bytes)
      else fixedBlock(writer, isLast, [...bytes])
    }
    const stored = member(writer.done(), content)
    const whole = await indexOf(stored, inThisThread, stored.length)
    expect((await indexOf(stored, sideBySide, 1)).equals(whole)).toBe(true)
  })

  it('needs one read of the object and one of the index for a slice, or one when it is self-contained', async () => {
    const content = makeText(3, 3_000_000)
    const counted = counting(memoryStore({ 'memory:t.gz': gzipSync(content) }))
    const object = await CloudObject.open(UTF8Text, 'memory:t.gz', { store: counted.store })
    await object.preprocess({ span: SPAN })
    for (const [selfContained, requests] of [
      [false, 2],
      [true, 1],
    ] as const) {
      const slices = await object.partition(partitionNumChunks, { numChunks: 7 }, { selfContained })
      for (const slice of slices.slice(1)) {
        counted.requests = 0
        await slice.bytes()
        expect(counted.requests).toBe(requests)
      }
    }
  })

  it('is decoded from its start only for what is said to start there', async () => {
    const content = makeText(4, 400_000)
    const object = await openGzip(gzipSync(content))
    await object.preprocess({ span: SPAN })
    const slices = await object.partition(partitionNumChunks, { numChunks: 3 }, { selfContained: true })
    const line = JSON.parse(JSON.stringify(slices[1]))
    line.access.spans = [{ ...line.access.spans[0], bit: 0 }]
    expect(line.access.spans[0].content).toBeGreaterThan(0)
    const moved = Slice.fromJSON(line, slices[1]?.storage())
    await expect(moved.bytes()).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
  })

  it('cannot be cut before it is preprocessed', async () => {
    const object = await openGzip(gzipSync('some text'))
    expect(object.compression).toBe('gzip')
    await expect(object.partition(wholeWordsStrategy, { numChunks: 2 })).rejects.toMatchObject({
      code: 'NOT_PREPROCESSED',
    })
  })

  it('that is damaged anywhere is refused, or indexed right', async () => {
    const content = makeText(5, 3000)
    const stored = gzipSync(content)
    for (let bit = 0; bit < stored.length * 8; bit += 37) {
      const damaged = Uint8Array.from(stored)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      const object = await openGzip(damaged)
      if (object.compression === undefined) continue
      const error: unknown = await object.preprocess().catch((error: unknown) => error)
      if (error) {
        expect(error, `bit ${bit}`).toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:t.gz' })
        continue
      }
      // Some bits, such as those of the header's time, are no part of the content.
      const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
      expect(Buffer.from((await slice?.bytes()) ?? []).equals(content)).toBe(true)
    }
    for (let length = 18; length < stored.length; length += 41) {
      const object = await openGzip(stored.subarray(0, length))
      await expect(object.preprocess(), `${length} bytes`).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
    }
  })
})
