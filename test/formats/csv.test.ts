import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import {
  CSV,
  type CsvOptions,
  partitionChunkRows,
  partitionChunkSize,
  partitionNumChunks,
} from '../../src/formats/csv.js'
import { memoryStore } from '../../src/storage/memory.js'
import { oracleRows, table } from './csv-oracle.js'

const encode = (text: string) => new TextEncoder().encode(text)

async function openCsv(text: string | Uint8Array, formatOptions?: CsvOptions, chunkSize?: number) {
  const bytes = typeof text === 'string' ? encode(text) : text
  const object = await CloudObject.open(CSV, 'memory:t.csv', {
    store: memoryStore({ 'memory:t.csv': bytes }),
  })
  await object.preprocess({ formatOptions, chunkSize })
  return object
}

type Opened = Awaited<ReturnType<typeof openCsv>>
type Slices = Awaited<ReturnType<Opened['partition']>>

async function recordsOf(slices: Slices): Promise<unknown[]> {
  const records: unknown[] = []
  for (const slice of slices) for await (const record of slice.records()) records.push(record)
  return records
}

const texts = { header: false, dtypes: 'string' } as const

describe('rows', () => {
  it('are those of csv-parse, whatever the chunks and however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 9 }),
        async ({ text, options }, chunkSize, numChunks) => {
          const expected = oracleRows(text, options)
          const object = await openCsv(
            text,
            { ...options, ...texts, ragged: 'allow' },
            Math.max(chunkSize, text.length >> 4),
          )
          expect(object.attributes.totalRows).toBe(expected.length)
          const cuts = [
            await object.partition(partitionNumChunks, { numChunks }),
            await object.partition(partitionChunkRows, { rowsPerChunk: numChunks }),
            await object.partition(partitionChunkSize, { chunkSize: 700 }),
          ]
          for (const slices of cuts) {
            expect(await recordsOf(slices)).toEqual(expected)
            const pieces = await Promise.all(slices.map((slice) => slice.bytes()))
            expect(Buffer.concat(pieces).equals(encode(text))).toBe(true)
          }
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)
})
