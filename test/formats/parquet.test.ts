import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { Parquet, type ParquetRow, partitionNumRows, partitionRowGroups } from '../../src/formats/parquet.js'
import { detectFormat } from '../../src/formats/registry.js'
import { memoryStore } from '../../src/storage/memory.js'
import { counting } from './open-text.js'
import { makeParquet } from './parquet-samples.js'

async function open(data: Uint8Array) {
  const counts = counting(memoryStore({ 'memory:t.parquet': data }))
  const object = await CloudObject.open(Parquet, 'memory:t.parquet', { store: counts.store })
  await object.preprocess()
  return { object, counts }
}

const revive = (slice: Slice<ParquetRow[]>) =>
  Slice.fromJSON<ParquetRow[]>(JSON.stringify(slice), slice.storage())

/** All rows, by hyparquet's reader of whole files. */
function allRows(bytes: Uint8Array, columns?: string[]): Promise<ParquetRow[]> {
  const file = Uint8Array.from(bytes).buffer
  return parquetReadObjects(columns ? { file, columns } : { file })
}

async function rowsOf(slices: readonly Slice<ParquetRow[]>[]): Promise<ParquetRow[]> {
  const rows: ParquetRow[] = []
  for (const slice of slices) {
    for await (const row of revive(slice).records()) rows.push(row as ParquetRow)
  }
  return rows
}

/** Changes bytes of a copy. */
function changed(bytes: Uint8Array, change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(bytes)
  change(copy, new DataView(copy.buffer))
  return copy
}

describe('Parquet', () => {
  it('is cut at row groups and at rows, plain and compressed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 80 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 50 }),
        fc.option(fc.subarray(['id', 'big', 'name', 'value', 'flag', 'when'], { minLength: 1 }), {
          nil: undefined,
        }),
        async (rows, rowGroupSize, compressed, count, columns) => {
          const bytes = makeParquet(rows, rowGroupSize)
          const { object } = await open(compressed ? gzipSync(bytes) : bytes)
          const expected = rows === 0 ? [] : await allRows(bytes, columns)
          const chosen = columns ? { columns } : {}
          const { numRowGroups } = object.attributes
          const even = await object.partition(partitionRowGroups, { numChunks: count, ...chosen })
          expect(even.length).toBe(count)
          expect(await rowsOf(even)).toEqual(expected)
          const some = await object.partition(partitionRowGroups, { rowGroupsPerChunk: count, ...chosen })
          expect(some.length).toBe(Math.ceil(numRowGroups / count))
          expect(await rowsOf(some)).toEqual(expected)
          for (const strategy of ['expand', 'merge'] as const) {
            const exact = await object.partition(partitionNumRows, {
              rowsPerChunk: count,
              strategy,
              ...chosen,
            })
            const found = await Promise.all(exact.map(async (slice) => (await revive(slice).get()).length))
            for (const length of found.slice(0, -1)) expect(length).toBe(count)
            expect(await rowsOf(exact)).toEqual(expected)
          }
        },
      ),
      { numRuns: 8 },
    )
  })

  it('gives row groups as a Parquet file of its own', async () => {
    const bytes = makeParquet(100, 15)
    const { object } = await open(bytes)
    const expected = await allRows(bytes)
    for (const numChunks of [1, 2, 3, 7, 12]) {
      const rows: ParquetRow[] = []
      for (const slice of await object.partition(partitionRowGroups, { numChunks })) {
        const file = await revive(slice).bytes()
        expect(Buffer.from(file.subarray(0, 4)).toString()).toBe('PAR1')
        const { row_groups, num_rows, schema } = parquetMetadata(file.buffer)
        expect(schema).toEqual(parquetMetadata(bytes.buffer).schema)
        expect(row_groups.reduce((sum, group) => sum + group.num_rows, 0n)).toBe(num_rows)
        if (num_rows > 0n) rows.push(...(await allRows(file)))
        // The file is an object like any other.
        const again = await open(file)
        expect(again.object.attributes).toEqual({
          ...object.attributes,
          numRows: Number(num_rows),
          numRowGroups: row_groups.length,
        })
      }
      expect(rows).toEqual(expected)
    }
  })

  it('tells rows, columns and who wrote it, without reading data', async () => {
    const bytes = makeParquet(5000, 1000)
    const { object, counts } = await open(bytes)
    expect(object.attributes).toEqual({
      numRows: 5000,
      numRowGroups: 5,
      columns: [
        { name: 'id', type: 'INT32', nullable: false },
        { name: 'big', type: 'INT64', nullable: false },
        { name: 'name', type: 'UTF8', nullable: true },
        { name: 'value', type: 'DOUBLE', nullable: false },
        { name: 'flag', type: 'BOOLEAN', nullable: false },
        { name: 'when', type: 'TIMESTAMP_MILLIS', nullable: false },
      ],
      createdBy: 'hyparquet',
    })
    // The first bytes, to see how it is compressed; the footer; and the new index.
    expect(counts.bytes).toBeLessThan(80_000)
    expect(bytes.length).toBeGreaterThan(100_000)
  })

  it('reads the row groups of a slice by one request, and what of the footer is about it by another', async () => {
    const bytes = makeParquet(40_000, 8000)
    const { object, counts } = await open(bytes)
    for (const slice of await object.partition(partitionRowGroups, {})) {
      for (const read of [() => slice.bytes(), () => slice.get()]) {
        const { requests, bytes } = counts
        await read()
        const { range } = slice.toJSON().data as { range: [number, number] }
        expect(counts.requests - requests).toBe(2)
        expect(counts.bytes - bytes).toBeLessThan((range[1] - range[0]) * 1.1)
      }
    }
  })

  it('reads the chosen columns only', async () => {
    const bytes = makeParquet(300_000, 100_000, { codec: 'UNCOMPRESSED' })
    const { object, counts } = await open(bytes)
    const [slice] = await object.partition(partitionRowGroups, { columns: ['flag'] })
    const before = counts.bytes
    const rows = (await slice?.get()) ?? []
    expect(rows.length).toBe(100_000)
    expect(rows[3]).toEqual({ flag: true })
    expect(counts.bytes - before).toBeLessThan(bytes.length / 30)
  })

  it('has no file of a part of a row group, nor of some columns', async () => {
    const { object } = await open(makeParquet(10, 4))
    const [part] = await object.partition(partitionNumRows, { rowsPerChunk: 3 })
    await expect(part?.bytes()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const [some] = await object.partition(partitionRowGroups, { columns: ['id'] })
    await expect(some?.bytes()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const [whole] = await object.partition(partitionNumRows, { rowsPerChunk: 8 })
    expect((await allRows((await whole?.bytes()) as Uint8Array)).length).toBe(8)
  })

  it('refuses what is no Parquet, truncated, encrypted or absurd', async () => {
    const bytes = makeParquet(50, 10)
    const { length } = bytes
    const footer = new DataView(bytes.buffer).getUint32(length - 8, true)
    const refused: readonly (readonly [string, Uint8Array, string, number | undefined])[] = [
      ['empty', new Uint8Array(0), 'MALFORMED_DATA', 0],
      ['short', bytes.subarray(0, 11), 'MALFORMED_DATA', 0],
      ['text', new TextEncoder().encode('some text that is long enough'), 'MALFORMED_DATA', 25],
      ['truncated', bytes.subarray(0, length - 100), 'MALFORMED_DATA', length - 104],
      [
        'encrypted',
        changed(bytes, (copy) => copy.set([80, 65, 82, 69], length - 4)),
        'UNSUPPORTED',
        undefined,
      ],
      [
        'a footer too long',
        changed(bytes, (_, view) => view.setUint32(length - 8, length, true)),
        'MALFORMED_DATA',
        length - 8,
      ],
      [
        'a footer too short',
        changed(bytes, (_, view) => view.setUint32(length - 8, 3, true)),
        'MALFORMED_DATA',
        length - 11,
      ],
      [
        'no footer',
        changed(bytes, (_, view) => view.setUint32(length - 8, 0, true)),
        'MALFORMED_DATA',
        length - 8,
      ],
      [
        'garbage in the footer',
        changed(bytes, (copy) => copy.fill(0xff, length - 8 - footer, length - 8)),
        'MALFORMED_DATA',
        length - 8 - footer,
      ],
    ]
    for (const [what, data, code, offset] of refused) {
      const error: unknown = await open(data).catch((error: unknown) => error)
      expect(error, what).toMatchObject({
        code,
        uri: 'memory:t.parquet',
        ...(offset !== undefined && { offset }),
      })
    }
  })

  it('refuses a schema with a name that is none', async () => {
    const bytes = makeParquet(40, 10)
    // Of the column "flag": field 3, an i32 0, and then field 4, its name.
    const at = Buffer.from(bytes).indexOf(Buffer.from('25001804666c6167', 'hex'))
    expect(at).toBeGreaterThan(0)
    // Now field 4 is an i64 0, which hyparquet takes as the name.
    const data = changed(bytes, (copy) => {
      copy[at] = 0x36
    })
    const error: unknown = await open(data).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:t.parquet' })
    expect((error as Error).message).toContain('a name is no text')
  })

  it('refuses a row group whose columns are not those of the schema', async () => {
    const bytes = makeParquet(40, 10)
    const schema = Buffer.from(bytes).indexOf(Buffer.from('25001804666c6167', 'hex')) + 4
    const damages = [
      ['two columns have the name "when"', (footer: string) => footer.replace('flag', 'when')],
      ['its columns are not those of the schema', (footer: string) => footer.replace(/(?<!^)flag/g, 'when')],
    ] as const
    for (const [what, damage] of damages) {
      const data = changed(bytes, (copy) => {
        const footer = Buffer.from(copy.subarray(schema)).toString('latin1')
        copy.set(Buffer.from(damage(footer), 'latin1'), schema)
      })
      const { object } = await open(data)
      const slices = await object.partition(partitionRowGroups, { numChunks: 2 })
      const error: unknown = await rowsOf(slices).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:t.parquet' })
      expect((error as Error).message).toContain(what)
    }
  })

  it('gives rows or one clear error when its footer is damaged', async () => {
    const bytes = makeParquet(40, 10)
    const end = bytes.length - 8
    const start = end - new DataView(bytes.buffer).getUint32(end, true)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: start, max: end - 1 }), fc.nat(255)), {
          minLength: 1,
          maxLength: 4,
        }),
        async (edits) => {
          const data = changed(bytes, (copy) => {
            for (const [at, value] of edits) copy[at] = value
          })
          try {
            const { object } = await open(data)
            await rowsOf(await object.partition(partitionRowGroups, { numChunks: 3 }))
          } catch (error) {
            expect(error).toMatchObject({ name: 'DataplugError' })
            expect(['MALFORMED_DATA', 'UNSUPPORTED', 'INVALID_SLICE']).toContain(
              (error as { code: string }).code,
            )
          }
        },
      ),
      // hyparquet can be very long about what is decoded as something else: always the same damages.
      { numRuns: 200, seed: 1 },
    )
  })

  it('refuses pages whose lengths or counts cannot be', async () => {
    const bytes = makeParquet(40, 40, { codec: 'UNCOMPRESSED' })
    // The first page header: type, bytes unpacked, bytes packed, each a zigzag varint after its field's byte.
    for (const at of [7, 8, 9, 10, 11]) {
      for (const value of [0x01, 0x15, 0xff]) {
        if (bytes[at] === value) continue
        const { object } = await open(changed(bytes, (copy) => copy.fill(value, at, at + 1)))
        const outcome: unknown = await rowsOf(await object.partition(partitionRowGroups, {})).catch(
          (error) => error,
        )
        if (!Array.isArray(outcome)) expect(outcome).toMatchObject({ code: 'MALFORMED_DATA' })
      }
    }
    const { object } = await open(changed(bytes, (copy) => copy.fill(0xff, 4, 24)))
    await expect(rowsOf(await object.partition(partitionRowGroups, {}))).rejects.toMatchObject({
      code: 'MALFORMED_DATA',
      uri: 'memory:t.parquet',
    })
  })

  it('refuses parameters out of their domain', async () => {
    const { object } = await open(makeParquet(10, 4))
    for (const params of [
      { numChunks: 0 },
      { numChunks: 2, rowGroupsPerChunk: 2 },
      { rowGroupsPerChunk: 0 },
      { columns: ['nope'] },
      { columns: [] },
      { columns: 'id' as unknown as string[] },
    ]) {
      await expect(object.partition(partitionRowGroups, params)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
    await expect(object.partition(partitionNumRows, { rowsPerChunk: 0 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('is found by name and by content', async () => {
    const head = (bytes: Uint8Array) => async () => bytes.subarray(0, 4096)
    expect((await detectFormat('s3://b/a.parquet', head(new Uint8Array(0)))).name).toBe('parquet')
    expect((await detectFormat('a', head(makeParquet(3, 3)))).name).toBe('parquet')
  })
})
