import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import {
  GZipText,
  partitionChunkLines,
  partitionChunkSize,
  partitionNumChunks,
} from '../../src/formats/gzip-text.js'
import * as text from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import { type ConformanceObject, formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'
import { makeText } from '../compression/objects.js'

async function open(stored: Uint8Array) {
  const store = memoryStore({ 'memory:t.gz': stored })
  const object = await CloudObject.open(GZipText, 'memory:t.gz', { store })
  await object.preprocess({ span: 64 << 10 })
  return object
}

/** Lines as the definition has them: ended by a line feed, without a carriage return before it. */
function linesOf(content: string): string[] {
  const lines = content.split('\n')
  const last = lines.pop()
  return [...lines.map((line) => line.replace(/\r$/, '')), ...(last ? [last] : [])]
}

const content = fc
  .tuple(
    fc.array(fc.constantFrom('', 'a', 'some words', '日本語', 'form\ffeed\u2028', 'x'.repeat(3000)), {
      maxLength: 60,
    }),
    fc.constantFrom('\n', '\r\n'),
    fc.boolean(),
  )
  .map(([lines, newline, ends]) => lines.join(newline) + (ends ? newline : ''))

describe('GZipText', () => {
  it('gives lines: all, each once, in chunks as many as asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.constantFrom(gzipSync, bgzf),
        fc.integer({ min: 1, max: 20 }),
        async (sample, compress, count) => {
          const object = await open(compress(Buffer.from(sample)))
          const lines = linesOf(sample)
          expect(object.attributes).toEqual({
            totalLines: lines.length,
            endsWithNewline: sample.endsWith('\n'),
          })
          const rest = lines.length % count
          const full = Math.floor(lines.length / count)
          for (const strategy of ['expand', 'merge'] as const) {
            const slices = await object.partition(partitionChunkLines, { linesPerChunk: count, strategy })
            const chunks = await Promise.all(slices.map((slice) => slice.get()))
            expect(chunks.flat()).toEqual(lines)
            const sizes = chunks.map(({ length }) => length)
            const merged = strategy === 'merge' && rest > 0 && full > 0
            expect(sizes.slice(0, -1)).toEqual(sizes.slice(0, -1).fill(count))
            expect(sizes.length).toBe(merged ? full : Math.ceil(lines.length / count))
            if (lines.length > 0) expect(sizes.at(-1)).toBe(merged ? count + rest : rest || count)
          }
          const parts = await object.partition(partitionNumChunks, { numChunks: count })
          expect(parts.length).toBe(count)
          expect((await Promise.all(parts.map((slice) => slice.get()))).flat()).toEqual(lines)
          const sized = await object.partition(partitionChunkSize, { chunkSize: count * 50 })
          expect((await Promise.all(sized.map((slice) => slice.text()))).join('')).toBe(sample)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('cuts like UTF8Text over many seek points, and its slices can be revived', async () => {
    const stored = gzipSync(makeText(11, 900_000))
    const store = memoryStore({ 'memory:t.gz': stored })
    const options = { store, metadata: 'memory:as-text' }
    const asText = await CloudObject.open(text.UTF8Text, 'memory:t.gz', options)
    await asText.preprocess({ span: 64 << 10 })
    const object = await open(stored)
    const slices = await object.partition(partitionChunkLines, { linesPerChunk: 5000, strategy: 'merge' })
    const same = await asText.partition(text.partitionChunkLines, { linesPerChunk: 5000, strategy: 'merge' })
    expect(slices.length).toBe(same.length)
    for (const [i, slice] of slices.entries()) {
      const revived = Slice.fromJSON<string[]>(JSON.stringify(slice), slice.storage())
      expect(await revived.get()).toEqual(linesOf((await same[i]?.get()) ?? ''))
    }
  })

  it('is for compressed objects only', async () => {
    await expect(open(Buffer.from('plain text, long enough to be gzip\n'))).rejects.toMatchObject({
      code: 'MALFORMED_DATA',
      message: expect.stringMatching(/UTF8Text/),
    })
    const store = memoryStore({ 'memory:t.gz': Buffer.from('plain text') })
    const object = await CloudObject.open(GZipText, 'memory:t.gz', { store })
    for (const plan of [
      () => object.partition(partitionNumChunks, { numChunks: 2 }),
      () => object.partition(partitionChunkSize, { chunkSize: 2 }),
      () => object.partition(partitionChunkLines, { linesPerChunk: 2 }),
    ]) {
      await expect(plan()).rejects.toMatchObject({ code: 'NOT_PREPROCESSED' })
    }
  })

  it('refuses an unknown strategy for the rest', async () => {
    const object = await open(gzipSync('a\nb\nc\n'))
    const strategy = 'drop' as 'merge'
    await expect(object.partition(partitionChunkLines, { linesPerChunk: 2, strategy })).rejects.toMatchObject(
      {
        code: 'INVALID_ARGUMENT',
      },
    )
  })
})

function subject(name: string, ...parts: string[]): ConformanceObject {
  return {
    name,
    bytes: new Uint8Array(Buffer.concat(parts.map((part) => gzipSync(part)))),
    content: new TextEncoder().encode(parts.join('')),
  }
}

const options = {
  objects: [
    subject('members.txt.gz', 'one two\nthr', 'ee\n\nfour ', 'five six'),
    subject('utf-8.txt.gz', '\ufeff日本語 テキスト\n🙂🙂 ünïcödé\r\n終\u2028行\n'),
    subject('empty.txt.gz', ''),
  ],
  strategies: [
    { strategy: partitionNumChunks, params: [1, 2, 7].map((numChunks) => ({ numChunks })) },
    { strategy: partitionChunkSize, params: [{ chunkSize: 9000 }, { chunkSize: 13 }] },
    {
      strategy: partitionChunkLines,
      params: [
        { linesPerChunk: 1 },
        { linesPerChunk: 3, strategy: 'merge' },
        { linesPerChunk: 1000, strategy: 'expand' },
      ],
    },
  ],
  // The compressed bytes from the seek point before the slice; here from the start.
  budget: { requestsPerSlice: 2, overheadBytes: 4096 },
}

describe('gzip-text', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(GZipText, { ...options, threads: false })) it(name, run)
})
