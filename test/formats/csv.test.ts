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
      {
        numRuns: 100,
        // Line ends unlike one within quotes: the last; and all, where as many rows would be found by the other.
        examples: [
          [{ text: '"\r\n","",.\n', options: { separator: ',' } }, 1, 1],
          [{ text: `${'"","",""\n'.repeat(3)}"","",0\n"\r\na",0,""`, options: { separator: ',' } }, 1, 3],
        ],
      },
    )
  })
})

/** What the Python framework lost, doubled or refused: the numbers are those of FORMATS.md. */
describe('what went wrong elsewhere', () => {
  it.each([
    ['line ends in quotes', `a,b\n${'1,"x\ny\n"\n'.repeat(60)}`, 60],
    ['rows longer than any padding', `a,b\n${`${'x'.repeat(30)},${'y'.repeat(30)}\n`.repeat(50)}`, 50],
    ['slices near the end of a small object', `a,b\n${'1,2,\n'.replace(',\n', '\n').repeat(100)}`, 100],
    ['cuts that fall on row ends', `ab,c\n${'12,3\n'.repeat(1000)}`, 1000],
  ])('%s', async (_, text, rows) => {
    const object = await openCsv(text)
    expect(object.attributes.totalRows).toBe(rows)
    const expected = await recordsOf(await object.partition(partitionNumChunks, { numChunks: 1 }))
    expect(expected).toHaveLength(rows)
    for (const numChunks of [2, 3, 7, 30, 40]) {
      const slices = await object.partition(partitionNumChunks, { numChunks })
      expect(slices).toHaveLength(numChunks)
      expect(await recordsOf(slices)).toEqual(expected)
    }
  })

  it('keeps the header as it stands in the object', async () => {
    const object = await openCsv('"a,1";b\n1;2\n3;4\n')
    expect(object.attributes.columns).toEqual(['a,1', 'b'])
    const [first, second] = await object.partition(partitionChunkRows, { rowsPerChunk: 1 })
    expect(await first?.get()).toBe('"a,1";b\n1;2\n')
    expect(await second?.get()).toBe('"a,1";b\n3;4\n')
    const bare = await object.partition(partitionChunkRows, { rowsPerChunk: 1, header: false })
    expect(await Promise.all(bare.map((slice) => slice.get()))).toEqual(['1;2\n', '3;4\n'])
    expect(await recordsOf(bare)).toEqual([
      { 'a,1': 1, b: 2 },
      { 'a,1': 3, b: 4 },
    ])
  })
})

describe('slices', () => {
  it('are of equal size as far as rows allow', async () => {
    const object = await openCsv(`a,b\n${'12345,"67\n89"\n'.repeat(5000)}`)
    const slices = await object.partition(partitionNumChunks, { numChunks: 7 })
    const sizes = await Promise.all(slices.map(async (slice) => (await slice.bytes()).length))
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(600)
  })

  it('have exactly so many rows, and the rest as one more or with the last', async () => {
    const object = await openCsv(`a\n${'"x\ny"\n'.repeat(10)}`)
    const lengths = async (params: { rowsPerChunk: number; strategy?: 'expand' | 'merge' }) => {
      const slices = await object.partition(partitionChunkRows, params)
      return Promise.all(slices.map(async (slice) => (await recordsOf([slice])).length))
    }
    expect(await lengths({ rowsPerChunk: 4 })).toEqual([4, 4, 2])
    expect(await lengths({ rowsPerChunk: 4, strategy: 'merge' })).toEqual([4, 6])
  })

  it('fetch a long header once', async () => {
    const columns = Array.from({ length: 900 }, (_, i) => `column_${i}`)
    const text = `${columns.join(',')}\n${`${'1,'.repeat(899)}2\n`.repeat(30)}`
    const inner = memoryStore({ 'memory:wide.csv': encode(text) })
    const reads: string[] = []
    const store = {
      ...inner,
      read: (...args: Parameters<typeof inner.read>) => {
        reads.push(`${args[1][0]}-${args[1][1]}`)
        return inner.read(...args)
      },
    }
    const object = await CloudObject.open(CSV, 'memory:wide.csv', { store })
    await object.preprocess()
    const slices = await object.partition(partitionChunkRows, { rowsPerChunk: 10 })
    reads.length = 0
    const [, second, third] = slices
    expect(Object.keys((await recordsOf([second] as Slices))[0] as object)).toEqual(columns)
    expect(await third?.get()).toBe(`${columns.join(',')}\n${`${'1,'.repeat(899)}2\n`.repeat(10)}`)
    expect(reads).toHaveLength(3)
    expect(JSON.stringify(second).length).toBeLessThan(1000)
  })

  it('begin with the mark of the object only where the object does, and text never has it', async () => {
    const object = await openCsv('\ufeffa,b\n1,2\n3,4\n')
    const slices = await object.partition(partitionChunkRows, { rowsPerChunk: 1 })
    expect(await Promise.all(slices.map((slice) => slice.get()))).toEqual(['a,b\n1,2\n', 'a,b\n3,4\n'])
    expect((await slices[0]?.bytes())?.subarray(0, 3)).toEqual(Uint8Array.of(0xef, 0xbb, 0xbf))
    expect(object.attributes.columns).toEqual(['a', 'b'])
  })
})

describe('what the first bytes tell', () => {
  it.each([
    ['a,b\n1,2\n', ',', '\n'],
    ['a;b\r\n1,5;2\r\n3;4\r\n', ';', '\r\n'],
    ['a\tb\n1 2\t3\n', '\t', '\n'],
    ['a|b|c\r1|2|3\r4|5|6\r', '|', '\r'],
    ['a,b\r1,"x\ny"\r2,3\r', ',', '\r'],
    ['a,"b;c;d;e"\n1,"f;g;h;i"\n', ',', '\n'],
    ['only\n1\n2\n', ',', '\n'],
  ])('of %j: separator %j, line end %j', async (text, separator, newline) => {
    const { dialect } = (await openCsv(text)).attributes
    expect(dialect).toMatchObject({ separator, newline })
  })

  it('are types of columns, by which records are converted where they fit', async () => {
    const text =
      'id,zip,x,ok,note,void\n1,01234,1.5,true,a,\n2,99999,-2e3,FALSE,,\n12345678901234567890,1,n/a,maybe,3,\n'
    const sample = `${text}`.split('\n').slice(0, 3).join('\n')
    expect((await openCsv(sample)).attributes.dtypes).toEqual({
      id: 'int',
      zip: 'string',
      x: 'float',
      ok: 'bool',
      note: 'string',
      void: 'string',
    })
    const dtypes = { id: 'int', x: 'float', ok: 'bool', note: 'string' } as const
    const object = await openCsv(text, { dtypes })
    expect(await recordsOf(await object.partition(partitionNumChunks, { numChunks: 2 }))).toEqual([
      { id: 1, zip: '01234', x: 1.5, ok: true, note: 'a', void: '' },
      { id: 2, zip: '99999', x: -2000, ok: false, note: '', void: '' },
      { id: '12345678901234567890', zip: '1', x: 'n/a', ok: 'maybe', note: '3', void: '' },
    ])
  })

  it('give way to options', async () => {
    const named = await openCsv('1;2\n3;4\n', { header: false, columns: ['x', 'y'], dtypes: 'string' })
    expect(await recordsOf(await named.partition(partitionNumChunks, { numChunks: 2 }))).toEqual([
      { x: '1', y: '2' },
      { x: '3', y: '4' },
    ])
    const renamed = await openCsv('a,b\n1,2\n', { columns: ['x', '__proto__'] })
    const [record] = await recordsOf(await renamed.partition(partitionNumChunks, { numChunks: 1 }))
    expect(Object.entries(record as object)).toEqual([
      ['x', 1],
      ['__proto__', 2],
    ])
    const arrays = await openCsv('1,2\n3,4\n', { header: false })
    expect(await recordsOf(await arrays.partition(partitionNumChunks, { numChunks: 2 }))).toEqual([
      [1, 2],
      [3, 4],
    ])
    const tabs = await openCsv('a\tb\n1\t2\n', { separator: '\\t' })
    expect(tabs.attributes.columns).toEqual(['a', 'b'])
  })

  it('names columns without a name, or with one that is taken', async () => {
    expect((await openCsv('a,,a\n1,2,3\n')).attributes.columns).toEqual(['a', 'column2', 'a.1'])
  })
})

describe('texts that stand for no value', () => {
  const text = 'id,x,zone,ok\n1,NA,NA,true\n2,1.5,,—\nNA,"NA",n/a,false\n—,2,b,NA\n'

  it('are null in columns of any type, and tell nothing of the type', async () => {
    const object = await openCsv(text, { nullValues: ['NA', '—', 'NA'] })
    expect(object.attributes).toMatchObject({
      nullValues: ['NA', '—'],
      dtypes: { id: 'int', x: 'float', zone: 'string', ok: 'bool' },
    })
    const expected = [
      { id: 1, x: null, zone: null, ok: true },
      { id: 2, x: 1.5, zone: '', ok: null },
      { id: null, x: null, zone: 'n/a', ok: false },
      { id: null, x: 2, zone: 'b', ok: null },
    ]
    for (const numChunks of [1, 3]) {
      expect(await recordsOf(await object.partition(partitionNumChunks, { numChunks }))).toEqual(expected)
    }
  })

  it('may be one text, a number or the empty one, as the command line gives them', async () => {
    const given = (nullValues: unknown) => openCsv('a,b\n-99,\n1,x\n', { nullValues } as CsvOptions)
    expect((await given(-99)).attributes.nullValues).toEqual(['-99'])
    const empty = await given('')
    expect(await recordsOf(await empty.partition(partitionNumChunks, { numChunks: 1 }))).toEqual([
      { a: -99, b: null },
      { a: 1, b: 'x' },
    ])
    expect((await given([])).attributes).not.toHaveProperty('nullValues')
  })

  it('stay what they are unless they are named', async () => {
    const object = await openCsv(text)
    expect(object.attributes.dtypes).toMatchObject({ id: 'string', x: 'string', ok: 'string' })
  })

  it('make the index anew when they change', async () => {
    const object = await openCsv(text)
    await object.preprocess({ formatOptions: { nullValues: ['NA', '—'] } })
    expect(object.attributes.dtypes.x).toBe('float')
  })
})

describe('what is no CSV', () => {
  const refused = async (text: string | Uint8Array, options: CsvOptions = {}) =>
    openCsv(text, options, 7).then(
      () => undefined,
      (error: unknown) => error,
    )

  it('is refused with row and offset', async () => {
    expect(await refused('a,b\n1,2\n3,4,5\n6\n')).toMatchObject({
      code: 'MALFORMED_DATA',
      offset: 8,
      message: expect.stringMatching(/row 2 .*byte 8.* 3 fields .* 2 columns, and 1 more/),
    })
    expect(await refused('a,b\n1,2\n3,4\n5')).toMatchObject({ code: 'MALFORMED_DATA', offset: 12 })
    expect(await refused('a,b\n1,2\n3,"4\n5,6\n7,8\n')).toMatchObject({
      code: 'MALFORMED_DATA',
      offset: 8,
      message: expect.stringMatching(/quote in row 2 .* byte 8/),
    })
    expect(await refused('a,b\n1,2\n3,4\n', { separator: ';' })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      offset: 0,
      message: expect.stringContaining('"," makes 2'),
    })
    expect(await refused(Uint8Array.of(0xff, 0xfe, 97, 0, 44, 0))).toMatchObject({ code: 'MALFORMED_DATA' })
    expect(await refused(`"${'x'.repeat(1 << 21)}`)).toMatchObject({ code: 'MALFORMED_DATA', offset: 0 })
  })

  it('may be ragged when that is allowed', async () => {
    const object = await openCsv('a,b\n1\n2,3,4\n5,6\n', { ragged: 'allow' })
    expect(object.attributes).toMatchObject({ totalRows: 3, raggedRows: 2 })
    expect(await recordsOf(await object.partition(partitionNumChunks, { numChunks: 3 }))).toEqual([
      { a: 1, b: null },
      { a: 2, b: 3, __parsed_extra: ['4'] },
      { a: 5, b: 6 },
    ])
  })

  it('is told by records with row and offset, where it only shows there', async () => {
    const object = await openCsv('a,b\n1,2\n"3"x,4\n')
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    await expect(recordsOf([slice] as Slices)).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: 8 })
    const latin = await openCsv(Uint8Array.of(97, 10, 0xe9, 10))
    const [other] = await latin.partition(partitionNumChunks, { numChunks: 1 })
    await expect(recordsOf([other] as Slices)).rejects.toMatchObject({ code: 'INVALID_UTF8' })
    expect((await other?.bytes())?.length).toBe(4)
  })

  it.each([
    [{ seperator: ';' }],
    [{ separator: ';;' }],
    [{ separator: null }],
    [{ quote: ',', separator: ',' }],
    [{ newline: 'x' }],
    [{ header: 'yes' }],
    [{ columns: 'a' }],
    [{ columns: ['x'] }],
    [{ dtypes: 'number' }],
    [{ dtypes: { a: 'date' } }],
    [{ ragged: 'maybe' }],
    [{ nullValues: null }],
    [{ nullValues: ['NA', false] }],
  ])('nor are options such as %j', async (options) => {
    expect(await refused('a,b\n1,2\n', options as unknown as CsvOptions)).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
