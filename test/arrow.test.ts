import { tableFromIPC, tableToIPC } from 'apache-arrow'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { toArrow } from '../src/arrow.js'
import { CloudObject } from '../src/cloud/cloud-object.js'
import type { Slice } from '../src/cloud/slice.js'
import { CSV, type CsvOptions, partitionNumChunks } from '../src/formats/csv.js'
import { memoryStore } from '../src/storage/memory.js'

async function slicesOf(text: string, numChunks: number, formatOptions?: CsvOptions) {
  const store = memoryStore({ 'memory:t.csv': new TextEncoder().encode(text) })
  const object = await CloudObject.open(CSV, 'memory:t.csv', { store })
  await object.preprocess({ formatOptions })
  return object.partition(partitionNumChunks, { numChunks })
}

const one = async (text: string, options?: CsvOptions) => (await slicesOf(text, 1, options))[0] as Slice

afterEach(() => {
  vi.doUnmock('apache-arrow')
  vi.resetModules()
})

describe('toArrow', () => {
  const header = 'int,float,bool,string\n'
  const rows = Array.from({ length: 1000 }, (_, i) =>
    [
      i % 7 === 0 ? '' : i * -9_007_199_254,
      i % 5 === 0 ? 'NA' : i / 3,
      i % 3 === 0 ? '' : i % 2 === 0,
      i % 11 === 0 ? 'NA' : `é日${'x'.repeat(i % 40)}`,
    ].join(','),
  )
  const text = `${header}${rows.join('\n')}\n`

  it('gives tables that read back from Arrow’s own format, with the values of the records', async () => {
    for (const slice of await slicesOf(text, 3, { nullValues: ['NA'] })) {
      const table = tableFromIPC(tableToIPC(await toArrow(slice), 'file'))
      expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
        'int Int64',
        'float Float64',
        'bool Bool',
        'string Utf8',
      ])
      const expected: unknown[] = []
      for await (const record of slice.records()) expected.push(record)
      expect(expected.length).toBeGreaterThan(300)
      const found = table.toArray().map((row) => row.toJSON())
      expect(found.map((row) => ({ ...row, int: row.int === null ? null : Number(row.int) }))).toEqual(
        expected,
      )
      for (const { name } of table.schema.fields) {
        const nulls = (expected as Record<string, unknown>[]).filter((record) => record[name] === null)
        expect(table.getChild(name)?.nullCount).toBe(nulls.length)
      }
    }
  })

  it('gives columns also where there is no row', async () => {
    const table = await toArrow(await one('a,b\n'))
    expect([table.numRows, table.schema.names]).toEqual([0, ['a', 'b']])
    expect((await toArrow(await one(''))).numCols).toBe(0)
  })

  it('says what to install', async () => {
    vi.doMock('apache-arrow', () => {
      throw new Error('Cannot find package')
    })
    const { toArrow: without } = await import('../src/arrow.js')
    await expect(without(await one(text))).rejects.toMatchObject({
      code: 'MISSING_DEPENDENCY',
      message: expect.stringContaining('npm install apache-arrow'),
    })
  })
})
