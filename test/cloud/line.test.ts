import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { parseLine } from '../../src/cloud/line.js'
import { Slice } from '../../src/cloud/slice.js'
import { isDataplugError } from '../../src/errors.js'
import { UTF8Text, wholeWordsStrategy } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'

const store = memoryStore({ 'memory:t': 'alpha beta gamma' })

async function validLine() {
  const object = await CloudObject.open(UTF8Text, 'memory:t', { store })
  const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 2 })
  return JSON.parse(JSON.stringify(slice)) as Record<string, unknown>
}

describe('a slice line', () => {
  it('revives to an equal slice', async () => {
    const line = await validLine()
    const slice = Slice.fromJSON<string>(JSON.stringify(line), { store })
    expect(JSON.parse(JSON.stringify(slice))).toEqual(line)
    expect(await slice.get()).toBe('alpha beta ')
    expect(await Slice.fromJSON<string>(line, { store }).get()).toBe('alpha beta ')
  })

  it('is plain data: no member but the documented ones, no credential', async () => {
    expect(Object.keys(await validLine()).sort()).toEqual(
      ['data', 'dataplug', 'etag', 'format', 'id', 'kind', 'of', 'size', 'strategy', 'uri', 'version'].sort(),
    )
  })

  it.each([
    ['not JSON', 'nonsense'],
    ['an empty line', ''],
    ['null', 'null'],
    ['an array', '[]'],
    ['a number', '7'],
  ])('that is %s is INVALID_SLICE', (_name, text) => {
    expect(() => Slice.fromJSON(text)).toThrowError(expect.objectContaining({ code: 'INVALID_SLICE' }))
  })

  it.each([
    ['another line version', { dataplug: 2 }],
    ['no line version', { dataplug: undefined }],
    ['an unknown kind', { kind: 'job' }],
    ['a kind from the prototype', { kind: '__proto__' }],
    ['no format', { format: '' }],
    ['a format of the wrong type', { format: { toString: 'text' } }],
    ['a fractional version', { version: 1.5 }],
    ['a size as text', { size: '16' }],
    ['a negative size', { size: -1 }],
    ['an unsafe size', { size: 2 ** 60 }],
    ['no ETag', { etag: null }],
    ['id beyond of', { id: 2, of: 2 }],
    ['data as an array', { data: [] }],
    ['no data', { data: undefined }],
    ['no strategy', { strategy: 7 }],
  ])('with %s is INVALID_SLICE', async (_name, change) => {
    const line = JSON.stringify({ ...(await validLine()), ...change })
    expect(() => Slice.fromJSON(line)).toThrowError(expect.objectContaining({ code: 'INVALID_SLICE' }))
  })

  it('pollutes no prototype', async () => {
    const text = JSON.stringify(await validLine())
    const hostile = text.replace('"data":{', '"__proto__":{"polluted":1},"data":{"__proto__":{"polluted":1},')
    const slice = Slice.fromJSON<string>(hostile, { store })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect((slice.toJSON().data as { polluted?: number }).polluted).toBeUndefined()
    expect(await slice.get()).toBe('alpha beta ')
  })

  it('of an unknown format, or another version of it, says so when it is read', async () => {
    const line = await validLine()
    await expect(Slice.fromJSON({ ...line, format: 'no-such' }, { store }).get()).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
    })
    await expect(Slice.fromJSON({ ...line, format: 'constructor' }, { store }).get()).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
    })
    await expect(Slice.fromJSON({ ...line, version: 99 }, { store }).get()).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
    })
  })

  it('of an object that was replaced gives OBJECT_CHANGED', async () => {
    const line = await validLine()
    const other = memoryStore({ 'memory:t': 'alpha beta gammA' })
    await expect(Slice.fromJSON(line, { store: other }).get()).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    })
  })

  it('is parsed or refused with INVALID_SLICE, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parseLine(JSON.stringify(value))
        } catch (error) {
          expect(isDataplugError(error, 'INVALID_SLICE')).toBe(true)
        }
      }),
    )
  })
})

describe('a task line', () => {
  const task = {
    dataplug: 1,
    kind: 'task',
    stage: 'scan',
    format: 'text',
    version: 1,
    uri: 'memory:t',
    size: 16,
    etag: 'e',
    id: 0,
    of: 1,
    range: [0, 16],
  }
  it('is parsed', () => {
    expect(parseLine(JSON.stringify(task))).toEqual(task)
  })
  it.each([[[0, 17]], [[-1, 5]], [[5, 4]], [[0.5, 2]], ['0-16'], [[0]], [{}], [null]])(
    'with range %j is INVALID_SLICE',
    (range) => {
      expect(() => parseLine({ ...task, range })).toThrowError(
        expect.objectContaining({ code: 'INVALID_SLICE' }),
      )
    },
  )
  it('is no slice', () => {
    expect(() => Slice.fromJSON(task)).toThrowError(expect.objectContaining({ code: 'INVALID_SLICE' }))
  })
})
