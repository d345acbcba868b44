import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import Papa from 'papaparse'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Slice } from '../../src/cloud/slice.js'
import {
  type Column,
  CSV,
  type CsvOptions,
  partitionChunkRows,
  partitionNumChunks,
} from '../../src/formats/csv.js'
import { partitionNumChunks as partitionText, UTF8Text } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'

async function openCsv(text: string, formatOptions?: CsvOptions) {
  const store = memoryStore({ 'memory:t.csv': new TextEncoder().encode(text) })
  const object = await CloudObject.open(CSV, 'memory:t.csv', { store })
  await object.preprocess({ formatOptions })
  return object
}

async function whole(text: string, formatOptions?: CsvOptions) {
  const object = await openCsv(text, formatOptions)
  const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
  return (slice as Slice).arrays()
}

/** The values of a column as records have them, by its validity alone. */
function valuesOf({ type, values, validity }: Column): unknown[] {
  return [...values].map((value, i) => {
    const isThere = validity === undefined || (((validity[i >> 3] ?? 0) >> (i & 7)) & 1) === 1
    if (!isThere) return null
    return type === 'bool' ? value === 1 : value
  })
}

const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { freq: 4 })
const text = fc.oneof(
  fc.stringMatching(/^[a-z é日]{0,6}$/),
  fc.array(fc.constantFrom('x', '"', ',', '\n', 'NA'), { maxLength: 5 }).map((parts) => parts.join('')),
)
const row = fc.record({
  int: orNull(fc.maxSafeInteger()),
  float: orNull(fc.double({ noNaN: true, noDefaultInfinity: true })),
  bool: orNull(fc.boolean()),
  string: orNull(text.filter((value) => value !== 'NA')),
})

describe('columns', () => {
  it('are what was written, and what csv-parse and papaparse read, however rows are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        async (rows, rowsPerChunk) => {
          const write = (value: unknown) =>
            value === null ? 'NA' : `"${String(value).replaceAll('"', '""')}"`
          const columns = ['int', 'float', 'bool', 'string'] as const
          const lines = rows.map((each) => columns.map((name) => write(each[name])).join(','))
          const csv = `${columns.join(',')}\n${lines.join('\n')}\n`
          const dtypes = { int: 'int', float: 'float', bool: 'bool', string: 'string' } as const
          const object = await openCsv(csv, { dtypes, nullValues: ['NA'] })
          const found: Record<string, unknown[]> = { int: [], float: [], bool: [], string: [] }
          for (const slice of await object.partition(partitionChunkRows, { rowsPerChunk })) {
            const arrays = await slice.arrays()
            expect([...arrays.keys()]).toEqual(columns)
            for (const [name, column] of arrays) {
              expect(column.type).toBe(name)
              const values = valuesOf(column)
              expect(column.nullCount).toBe(values.filter((value) => value === null).length)
              expect(column.validity === undefined).toBe(column.nullCount === 0)
              found[name]?.push(...values)
            }
          }
          const plain = (value: unknown) => (Object.is(value, -0) ? 0 : value)
          const theirs = [
            parse(csv, { columns: true }) as Record<string, string>[],
            Papa.parse<Record<string, string>>(csv, { header: true, skipEmptyLines: true }).data,
          ]
          for (const name of columns) {
            expect(found[name]?.map(plain)).toEqual(rows.map((each) => plain(each[name])))
            for (const records of theirs) {
              const texts = found[name]?.map((value) => (value === null ? 'NA' : String(value)))
              expect(texts).toEqual(records.map((record) => record[name]))
            }
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('are typed arrays of all rows, with bits for those that have a value', async () => {
    const arrays = await whole('id,x,ok,zone\n1,1.5,true,a\n2,,FALSE,\n,-2e3,,c\n')
    expect(Object.fromEntries(arrays)).toEqual({
      id: {
        type: 'int',
        values: Float64Array.of(1, 2, Number.NaN),
        nullCount: 1,
        validity: Uint8Array.of(0b011),
      },
      x: {
        type: 'float',
        values: Float64Array.of(1.5, Number.NaN, -2000),
        nullCount: 1,
        validity: Uint8Array.of(0b101),
      },
      ok: { type: 'bool', values: Uint8Array.of(1, 0, 0), nullCount: 1, validity: Uint8Array.of(0b011) },
      zone: { type: 'string', values: ['a', '', 'c'], nullCount: 0 },
    })
  })

  it('grow with the slice', async () => {
    const rows = 20_000
    const numbers = Array.from({ length: rows }, (_, i) => i * 7)
    const text = `i,even,name\n${numbers.map((n, i) => `${n},${n % 2 === 0},n${i}\n`).join('')}`
    const arrays = await whole(text)
    expect(arrays.get('i')).toEqual({ type: 'int', values: Float64Array.from(numbers), nullCount: 0 })
    const even = Uint8Array.from(numbers, (n) => 1 - (n % 2))
    expect(arrays.get('even')).toEqual({ type: 'bool', values: even, nullCount: 0 })
    expect(arrays.get('name')?.values).toHaveLength(rows)
  })

  it('are named as records are, in the order of the object', async () => {
    expect([...(await whole('2020,2019,,__proto__\n1,2,3,4\n')).keys()]).toEqual([
      '2020',
      '2019',
      'column3',
      '__proto__',
    ])
    expect([...(await whole('1,2\n3,4\n', { header: false })).keys()]).toEqual(['column1', 'column2'])
    expect([...(await whole('1,2\n', { header: false, columns: ['a', 'b'] })).keys()]).toEqual(['a', 'b'])
  })

  it('are there, and empty, for slices without rows', async () => {
    const object = await openCsv('a,b\n1,x\n')
    const slices = await object.partition(partitionNumChunks, { numChunks: 3 })
    const all = await Promise.all(slices.map((slice) => slice.arrays()))
    const lengths = all.map((arrays) =>
      Array.from(arrays, ([name, { values }]) => `${name}: ${values.length}`),
    )
    expect(lengths.sort()).toEqual([
      ['a: 0', 'b: 0'],
      ['a: 0', 'b: 0'],
      ['a: 1', 'b: 1'],
    ])
    expect((await whole('')).size).toBe(0)
  })

  it('of ragged rows have null for what a row lacks, and nothing of what it has beyond', async () => {
    const arrays = await whole('a,b\n1\n2,3,4\n5,6\n', { ragged: 'allow' })
    expect([...arrays].map(([name, column]) => [name, valuesOf(column)])).toEqual([
      ['a', [1, 2, 5]],
      ['b', [null, 3, 6]],
    ])
  })

  it('refuse a value that is not of the type, with row, offset and what to do', async () => {
    const object = await openCsv('a,b\n1,x\n2,"y\ny"\nn/a,z\n', { dtypes: { a: 'int' } })
    const slices = await object.partition(partitionChunkRows, { rowsPerChunk: 2 })
    expect(valuesOf((await slices[0]?.arrays())?.get('a') as Column)).toEqual([1, 2])
    await expect(slices[1]?.arrays()).rejects.toMatchObject({
      code: 'MALFORMED_DATA',
      offset: 16,
      message: expect.stringMatching(
        /row 3 .*byte 16.* "n\/a" in column "a".* type int.*dtypes: \{ "a": "string" \}.*nullValues: \["n\/a"\]/,
      ),
    })
    await expect(whole('a\n1\n9007199254740993\n', { dtypes: 'int' })).rejects.toMatchObject({ offset: 4 })
  })

  it('are not what text has', async () => {
    const store = memoryStore({ 'memory:t.txt': new TextEncoder().encode('a\n') })
    const object = await CloudObject.open(UTF8Text, 'memory:t.txt', { store })
    const [slice] = await object.partition(partitionText, { numChunks: 1 })
    await expect(slice?.arrays()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})
