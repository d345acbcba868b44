import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
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
import { counting, openText, piecemeal } from './open-text.js'

const encoder = new TextEncoder()

/** Bytes in which every rare thing is common: white space, CR, LF, NUL, parts of UTF-8 sequences. */
const bytes = fc
  .array(fc.constantFrom(0x61, 0x62, 0x20, 0x0a, 0x0d, 0x09, 0x0b, 0x0c, 0x00, 0xe6, 0x97, 0xa5, 0xff), {
    maxLength: 120,
  })
  .map((values) => Uint8Array.from(values))

const isSpace = (byte: number | undefined) => byte !== undefined && (byte === 32 || (byte >= 9 && byte <= 13))

/** Where words may be cut, byte by byte, straight from the definition. */
function isWordCut(data: Uint8Array, at: number): boolean {
  if (at === 0 || at === data.length) return true
  return isSpace(data[at - 1]) && !(data[at - 1] === 13 && data[at] === 10)
}

function nextCut(data: Uint8Array, at: number, isCut: (data: Uint8Array, at: number) => boolean): number {
  let cut = at
  while (!isCut(data, cut)) cut++
  return cut
}

const isLineCut = (data: Uint8Array, at: number) => at === 0 || at === data.length || data[at - 1] === 10

function nominal(size: number, count: number): number[] {
  const base = Math.floor(size / count)
  const cuts = [0]
  for (let i = 0; i < count; i++) cuts.push((cuts[i] as number) + base + (i < size % count ? 1 : 0))
  return cuts
}

/** Lines with their terminators: the oracle for line slices. */
function splitKeepingEnds(data: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  let start = 0
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== 10) continue
    lines.push(data.subarray(start, i + 1))
    start = i + 1
  }
  if (start < data.length) lines.push(data.subarray(start))
  return lines
}

async function contents(slices: readonly Slice<string>[]): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for (const slice of slices) all.push(await slice.bytes())
  return all
}

describe.each([
  ['wholeWordsStrategy', wholeWordsStrategy, isWordCut],
  ['partitionNumChunks', partitionNumChunks, isLineCut],
] as const)('%s', (_name, strategy, isCut) => {
  it('moves every planned cut to the next one, whatever the padding and the pieces that bytes come in', async () => {
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (data, numChunks, padding, piece) => {
          const object = await openText(data, piecemeal(piece))
          const slices = await object.partition(strategy, { numChunks, padding })
          const cuts = nominal(data.length, numChunks).map((at) => nextCut(data, at, isCut))
          const expected = slices.map((_, i) =>
            data.slice(cuts[i], Math.max(cuts[i + 1] as number, cuts[i] as number)),
          )
          expect(await contents(slices)).toEqual(expected)
          expect((await verifyTiling(slices)).faults).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('partitionChunkSize', () => {
  it('tiles the object with whole lines of about the size asked for', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 60 }), async (data, chunkSize) => {
        const object = await openText(data)
        const slices = await object.partition(partitionChunkSize, { chunkSize })
        expect(slices.length).toBe(Math.ceil(data.length / chunkSize))
        const parts = await contents(slices)
        expect(Buffer.concat(parts)).toEqual(Buffer.from(data))
        let at = 0
        for (const part of parts) {
          at += part.length
          expect(isLineCut(data, at)).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('partitionChunkLines', () => {
  it('gives exactly the lines asked for, from an index that any chunk size makes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            { weight: 5, arbitrary: fc.integer({ min: 0, max: 90 }) },
            fc.integer({ min: 0, max: 3000 }),
          ),
          {
            maxLength: 120,
          },
        ),
        fc.boolean(),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 100, max: 5000 }),
        async (lengths, endsWithNewline, linesPerChunk, chunkSize) => {
          const text = lengths
            .map((length, i) => String.fromCharCode(97 + (i % 26)).repeat(length))
            .join('\n')
          const data = encoder.encode(endsWithNewline ? `${text}\n` : text)
          const object = await openText(data)
          await object.preprocess({ chunkSize })
          const lines = splitKeepingEnds(data)
          expect(object.attributes.totalLines).toBe(lines.length)
          const slices = await object.partition(partitionChunkLines, { linesPerChunk })
          const expected: Buffer[] = []
          for (let i = 0; i < lines.length; i += linesPerChunk)
            expected.push(Buffer.concat(lines.slice(i, i + linesPerChunk)))
          expect((await contents(slices)).map((part) => Buffer.from(part))).toEqual(expected)
          if (slices.length > 0) expect((await verifyTiling(slices)).faults).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('reaches into the pages of an index of many megabytes', async () => {
    const line = 'x'.repeat(99)
    const data = encoder.encode(`${line}\n`.repeat(60_000))
    const object = await openText(data)
    await object.preprocess({ chunkSize: 1 << 20 })
    const slices = await object.partition(partitionChunkLines, { linesPerChunk: 7001 })
    expect(slices.length).toBe(Math.ceil(60_000 / 7001))
    expect(Buffer.concat(await contents(slices)).equals(Buffer.from(data))).toBe(true)
    const counts = await Promise.all(slices.map(async (slice) => (await slice.text()).split('\n').length - 1))
    expect(counts.slice(0, -1).every((count) => count === 7001)).toBe(true)
  })
})

describe('the index', () => {
  it('is byte-identical whether pages of counts are taken as they are or put together anew', async () => {
    const data = encoder.encode(
      Array.from({ length: 90_000 }, (_, i) => 'x'.repeat((i * 7919) % 61)).join('\n'),
    )
    const sections = async (chunkSize: number) => {
      const object = await openText(data)
      await object.preprocess({ chunkSize })
      return [await object.index().section('line-pages'), await object.index().section('line-counts')]
    }
    const aligned = await sections(1 << 20)
    for (const chunkSize of [3 << 20, (1 << 20) + 512, 700_001, data.length]) {
      expect(await sections(chunkSize)).toEqual(aligned)
    }
  })

  it('is byte-identical for every chunk size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 4000 }),
        fc.integer({ min: 1, max: 1500 }),
        async (noise, chunkSize) => {
          const data = noise.map((byte) => (byte % 5 === 0 ? 10 : byte))
          const index = async (size: number) => {
            const store = memoryStore({ 'memory:t': data })
            const object = await CloudObject.open(UTF8Text, 'memory:t', { store })
            await object.preprocess({ chunkSize: size })
            const { size: length } = await store.head('memory:t.dataplug')
            const chunks: Uint8Array[] = []
            for await (const chunk of store.read('memory:t.dataplug', [0, length])) chunks.push(chunk)
            return Buffer.concat(chunks)
          }
          expect((await index(chunkSize)).equals(await index(1 << 20))).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a cut at every byte', () => {
  const texts = {
    words: 'one two  three\tfour\r\nfive\vsix\fseven ',
    'multi-byte': '日本語 テキスト\n🙂🙂 ünïcödé\r\n終',
    'byte order mark': '\ufefffirst line\r\nsecond',
    'no delimiter': 'x'.repeat(40),
    'only delimiters': '\r\n'.repeat(15),
    'NUL bytes': 'a\0b c\0\0 d\n',
  }
  it.each(Object.entries(texts))('%s', async (_name, text) => {
    const data = encoder.encode(text)
    for (let numChunks = 1; numChunks <= data.length + 2; numChunks++) {
      const object = await openText(data)
      for (const strategy of [wholeWordsStrategy, partitionNumChunks]) {
        const slices = await object.partition(strategy, { numChunks, padding: 1 })
        expect(slices.length).toBe(numChunks)
        expect(Buffer.concat(await contents(slices)).equals(Buffer.from(data))).toBe(true)
        // Each slice decodes on its own: no cut falls into a sequence.
        expect((await Promise.all(slices.map((slice) => slice.get()))).join('')).toBe(
          text.replace('\ufeff', ''),
        )
      }
    }
  })
})

describe('requests', () => {
  it('are one for a slice whose ends lie within the padding, and few bytes more than it delivers', async () => {
    const data = encoder.encode('lorem ipsum dolor sit amet\n'.repeat(200_000))
    const counted = counting(memoryStore({ 'memory:t': data }))
    const object = await CloudObject.open(UTF8Text, 'memory:t', { store: counted.store })
    await object.preprocess()
    for (const slices of [
      await object.partition(wholeWordsStrategy, { numChunks: 4 }),
      await object.partition(partitionNumChunks, { numChunks: 4 }),
      await object.partition(partitionChunkLines, { linesPerChunk: 50_000 }),
    ]) {
      for (const slice of slices) {
        const before = { requests: counted.requests, bytes: counted.bytes }
        const delivered = (await slice.bytes()).length
        expect(counted.requests - before.requests).toBe(1)
        expect((counted.bytes - before.bytes) / delivered).toBeLessThanOrEqual(1.001)
      }
    }
  })

  it('follow a word that is longer than padding, chunk and slice', async () => {
    const data = encoder.encode(`a ${'x'.repeat(300_000)} b`)
    const object = await openText(data)
    const slices = await object.partition(wholeWordsStrategy, { numChunks: 5, padding: 16 })
    const lengths = (await contents(slices)).map((part) => part.length)
    expect(lengths).toEqual([data.length - 1, 0, 0, 0, 1])
  })
})

describe('views of a slice', () => {
  const text = '\ufeffalpha\r\nbeta\n\ngamma\u2028delta\fepsilon'
  it('agree with each other', async () => {
    const object = await openText(encoder.encode(text), piecemeal(3))
    const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    expect(await slice?.get()).toBe(text.slice(1))
    expect(await slice?.text()).toBe(text.slice(1))
    expect(await slice?.bytes()).toEqual(encoder.encode(text))
    const lines: string[] = []
    for await (const line of slice?.lines() ?? []) lines.push(line)
    expect(lines).toEqual(['alpha', 'beta', '', 'gamma\u2028delta\fepsilon'])
    expect(Buffer.from(await new Response(slice?.stream()).arrayBuffer()).toString()).toBe(text)
  })

  it('refuse text that is not UTF-8, with its offset, and still give the bytes', async () => {
    const data = Uint8Array.of(0x61, 0x62, 0xff, 0x63)
    const object = await openText(data)
    const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    await expect(slice?.text()).rejects.toMatchObject({ code: 'INVALID_UTF8', offset: 2 })
    await expect(slice?.get()).rejects.toMatchObject({ code: 'INVALID_UTF8' })
    expect(await slice?.bytes()).toEqual(data)
    const truncated = await openText(encoder.encode('日本').subarray(0, 5))
    const [cut] = await truncated.partition(wholeWordsStrategy, { numChunks: 1 })
    await expect(cut?.text()).rejects.toMatchObject({ code: 'INVALID_UTF8' })
  })
})

describe('parameters', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e15, '8', undefined, null])(
    'refuses numChunks %s',
    async (numChunks) => {
      const object = await openText(encoder.encode('a b c'))
      const invalid = { numChunks } as { numChunks: number }
      await expect(object.partition(wholeWordsStrategy, invalid)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      await expect(object.partition(partitionNumChunks, invalid)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    },
  )

  it('refuses sizes that would make too many slices', async () => {
    const object = await openText(new Uint8Array(2_000_000))
    await expect(object.partition(partitionChunkSize, { chunkSize: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(object.partition(wholeWordsStrategy, { numChunks: 2, padding: 0 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('cuts an empty object into empty slices, and into none by size or lines', async () => {
    const object = await openText(new Uint8Array(0))
    const slices = await object.partition(wholeWordsStrategy, { numChunks: 3 })
    expect(await Promise.all(slices.map((slice) => slice.get()))).toEqual(['', '', ''])
    expect(await object.partition(partitionChunkSize, { chunkSize: 10 })).toEqual([])
    await object.preprocess()
    expect(object.attributes).toEqual({ totalLines: 0, endsWithNewline: false })
    expect(await object.partition(partitionChunkLines, { linesPerChunk: 10 })).toEqual([])
  })

  it('refuses slice data that no strategy made', async () => {
    const store = memoryStore({ 'memory:t': 'a b c' })
    const object = await CloudObject.open(UTF8Text, 'memory:t', { store })
    const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    const line = slice?.toJSON()
    for (const data of [
      {},
      { cut: 'words', range: [0, 99], padding: 1 },
      { cut: 'constructor', range: [0, 5], padding: 1 },
      { cut: 'words', range: [3, 1], padding: 1 },
      { cut: 'words', range: ['0', 5], padding: 1 },
      { lines: [0, 1], range: [0, 6], skip: 0 },
      { lines: [0, 1], range: [0, 5], skip: -1 },
      { lines: [5, 9], range: [0, 5], skip: 5 },
    ]) {
      const forged = Slice.fromJSON(JSON.stringify({ ...line, data }), { store })
      await expect(forged.bytes(), JSON.stringify(data)).rejects.toMatchObject({ code: 'INVALID_SLICE' })
    }
  })
})
