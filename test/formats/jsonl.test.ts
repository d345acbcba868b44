import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import { loadCore } from '../../src/core/core.js'
import type { Json, Reading } from '../../src/formats/format.js'
import { parseValues } from '../../src/formats/jsonl/records.js'
import * as jsonl from '../../src/formats/jsonl.js'
import { detectFormat } from '../../src/formats/registry.js'
import { memoryStore } from '../../src/storage/memory.js'
import { openSource } from '../../src/storage/source.js'
import { bgzf } from '../compression/bgzf.js'
import { piecemeal } from './open-text.js'

const { JSONLines, partitionChunkLines, partitionChunkSize, partitionNumChunks } = jsonl

async function open(data: Uint8Array, piece = 65_536): Promise<CloudObject<typeof JSONLines>> {
  const store = piecemeal(piece)(memoryStore({ 'memory:x.jsonl': data }))
  const object = await CloudObject.open(JSONLines, 'memory:x.jsonl', { store })
  await object.preprocess({ span: 64 << 10 })
  return object
}

async function recordsOf(slices: readonly Slice<Json[]>[]): Promise<unknown[]> {
  const records: unknown[] = []
  for (const slice of slices) {
    const revived = Slice.fromJSON(JSON.stringify(slice), slice.storage())
    for await (const record of revived.records()) records.push(record)
  }
  return records
}

async function failureOf(slices: readonly Slice<Json[]>[]): Promise<unknown> {
  return recordsOf(slices).catch((error: unknown) => error)
}

/** A line and its value; undefined for a blank line. */
const line = fc.oneof(
  { weight: 6, arbitrary: fc.json().map((text) => [text, JSON.parse(text) as unknown] as const) },
  {
    weight: 2,
    arbitrary: fc
      .record({ s: fc.string({ unit: 'binary' }), n: fc.double({ noNaN: true, noDefaultInfinity: true }) })
      .map((value) => [JSON.stringify(value), JSON.parse(JSON.stringify(value)) as unknown] as const),
  },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '\t').map((text) => [text, undefined] as const) },
)
const document = fc.tuple(fc.array(line, { maxLength: 40 }), fc.constantFrom('\n', '\r\n'), fc.boolean())

describe('JSON Lines', () => {
  it('is cut at lines, plain and compressed, and parses as line by line', async () => {
    await fc.assert(
      fc.asyncProperty(
        document,
        fc.constantFrom('plain', 'gzip', 'bgzf'),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 50 }),
        async ([lines, newline, ends], kind, piece, count) => {
          const text = lines.map(([text]) => text).join(newline) + (ends && lines.length > 0 ? newline : '')
          const content = Buffer.from(text)
          const data = { plain: () => content, gzip: () => gzipSync(content), bgzf: () => bgzf(content, 50) }
          const object = await open(data[kind](), piece)
          const expected = lines.flatMap(([, value]) => (value === undefined ? [] : [value]))
          const { totalLines } = object.attributes
          expect(totalLines).toBe(text.split('\n').length - (text === '' || text.endsWith('\n') ? 1 : 0))
          for (const slices of [
            await object.partition(partitionNumChunks, { numChunks: count }),
            await object.partition(partitionChunkSize, { chunkSize: count * 7 }),
            await object.partition(partitionChunkLines, { linesPerChunk: count }),
            await object.partition(partitionChunkLines, { linesPerChunk: count, strategy: 'merge' }),
          ]) {
            expect(await recordsOf(slices)).toEqual(expected)
            const values: unknown[] = []
            for (const slice of slices) values.push(...(await slice.get()))
            expect(values).toEqual(expected)
            if (slices.length > 0) expect((await verifyTiling(slices)).faults).toEqual([])
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  it('keeps every record at a cut at every byte', async () => {
    const text = '\ufeff{"a":"日本語\\n"}\r\n\r\n[1,\t2]\n"\u2028\\\\\\""\n-1e3\nnull'
    const object = await open(Buffer.from(text))
    const expected = [{ a: '日本語\n' }, [1, 2], '\u2028\\"', -1000, null]
    for (let chunkSize = 1; chunkSize <= text.length; chunkSize++) {
      const slices = await object.partition(partitionChunkSize, { chunkSize, padding: 1 })
      expect(await recordsOf(slices)).toEqual(expected)
    }
  })

  it('needs no preprocessing to be cut by number or size', async () => {
    const store = memoryStore({ 'memory:x.jsonl': Buffer.from('1\n2\n3\n') })
    const object = await CloudObject.open(JSONLines, 'memory:x.jsonl', { store })
    expect(await recordsOf(await object.partition(partitionNumChunks, { numChunks: 4 }))).toEqual([1, 2, 3])
    await expect(object.partition(partitionChunkLines, { linesPerChunk: 1 })).rejects.toMatchObject({
      code: 'NOT_PREPROCESSED',
    })
  })

  it.each([
    ['concatenated values', '{"a":1}\n{"a":2}{"a":3}\n', 2, 8, /more than one JSON value.*concatenated/],
    ['concatenated values with a space', '{"a":1} [2]', 1, 0, /more than one JSON value.*concatenated/],
    ['numbers on one line', '1\n2 3\n', 2, 2, /more than one JSON value/],
    ['lines that end in CR', '{"a":1}\r{"a":2}\r', 1, 0, /more than one JSON value/],
    ['a pretty-printed document', '{\n  "a": 1\n}\n', 1, 0, /does not end on it.*several lines/],
    ['an array over lines', '[\n{"a":1},\n{"a":2}\n]\n', 1, 0, /does not end on it.*several lines/],
    ['a cut-off last line', '{"a":1}\n{"a":"日本', 2, 8, /cut off/],
    ['a comma after the value', '{"a":1}\n\n{"a":2},\n', 3, 9, /ends with a comma.*array/],
    ['an invalid value', '"日本語"\nnope\n', 2, 12, /is not a JSON value \("nope"\)/],
    ['a number JSON does not know', '[NaN]\n', 1, 0, /is not a JSON value/],
    ['a byte order mark later on', '1\n\ufeff2\n', 2, 2, /is not a JSON value/],
    ['a closing bracket', '1\n]\n', 2, 2, /is not a JSON value/],
  ])('names line and offset of %s', async (_what, text, number, offset, message) => {
    const object = await open(Buffer.from(text))
    const whole = await failureOf(await object.partition(partitionNumChunks, { numChunks: 1 }))
    expect(whole).toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:x.jsonl', offset })
    expect((whole as Error).message).toMatch(message)
    expect((whole as Error).message).toContain(`line ${number} (byte ${offset}) of memory:x.jsonl`)
    // A slice of one line knows its number, and one that starts at any byte its offset.
    const byLine = await object.partition(partitionChunkLines, { linesPerChunk: 1 })
    const alone = await failureOf(byLine.slice(number - 1, number))
    expect((alone as Error).message).toBe((whole as Error).message)
    const bySize = await object.partition(partitionChunkSize, { chunkSize: 1 })
    const faults: unknown[] = []
    for (const slice of bySize) faults.push(await failureOf([slice]))
    expect(faults).toContainEqual(expect.objectContaining({ code: 'MALFORMED_DATA', offset }))
  })

  it('gives the good values before a faulty line', async () => {
    const object = await open(Buffer.from('1\n2\n{\n4\n'))
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const value of (slice as Slice).records()) seen.push(value)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: 4 })
    expect(seen).toEqual([1, 2])
  })

  it('refuses a line that is longer than a string may be', async () => {
    const store = memoryStore({ 'memory:x': Buffer.from('1\n22\n333333') })
    const main = openSource(store, await store.head('memory:x'))
    const context = {
      main,
      core: await loadCore(),
      signal: undefined,
      sibling: async () => undefined,
      async *list() {},
    }
    const reading: Reading<never> = { bytes: () => main.read([0, main.size]), textOffset: 0 }
    const slice = { cut: 'lines', range: [0, main.size], padding: 1 } as const
    const drain = async (longest: number) => {
      const values: Json[] = []
      for await (const batch of parseValues(reading, slice, context, longest)) values.push(...batch)
      return values
    }
    expect(await drain(6)).toEqual([1, 22, 333333])
    await expect(drain(5)).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: 5 })
  })

  it('is recognised by name and content', async () => {
    const head = async () => Buffer.from('{"a":1}\n{"a":2}\n')
    for (const name of ['a.jsonl', 'a.NDJSON.gz', 'a.jsonl.bgz', 'no-name']) {
      expect((await detectFormat(`memory:${name}`, head)).name).toBe('jsonl')
    }
    for (const other of ['{\n "a": 1\n}\n', 'text {"a":1}\n', '"text"\n', '{a}\n']) {
      expect((await detectFormat('memory:x', async () => Buffer.from(other))).name).toBe('text')
    }
    const long = Buffer.from(`{"a":"${'x'.repeat(5000)}"}`).subarray(0, 4096)
    expect((await detectFormat('memory:x', async () => long)).name).toBe('jsonl')
  })
})
