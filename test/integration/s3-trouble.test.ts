import { CloudObject, type Slice } from 'dataplug'
import {
  partitionChunkLines,
  partitionChunkSize,
  partitionNumChunks,
  UTF8Text,
  wholeWordsStrategy,
} from 'dataplug/formats/text'
import type { StorageConfig } from 'dataplug/storage'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sampleText, sha256, startWorld, type World } from './world.js'

const text = sampleText(20_000)
const size = Buffer.byteLength(text)
let world: World
let storage: StorageConfig
/** Takes silence for a stall soon, and many times: a busy machine is silent too. */
let patient: StorageConfig

beforeAll(async () => {
  world = await startWorld()
  storage = world.storage
  patient = { ...storage, timeouts: { idleMs: 300 }, retry: { attempts: 20, baseDelayMs: 1 } }
  await world.put('sample.txt', text)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => world.server.clearFaults())

const open = (uri = 's3://data/sample.txt', options = {}) =>
  CloudObject.open(UTF8Text, uri, { storage, ...options })
const read = (slices: readonly Slice<string>[]) => Promise.all(slices.map((slice) => slice.get()))
const objectReads = (key = 'sample.txt') => ({ method: 'GET', bucket: 'data', key, range: true })

describe('what cannot be opened', () => {
  it('is NOT_FOUND for a missing object or bucket, and says which', async () => {
    await expect(open('s3://data/none.txt')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      uri: 's3://data/none.txt',
      message: expect.stringContaining('no such object'),
    })
    await expect(open('s3://nobody/none.txt')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('no bucket "nobody"'),
    })
  })

  it('is ACCESS_DENIED with wrong credentials, and says what is wrong with them', async () => {
    const { credentials } = world.server
    const as = (wrong: object) =>
      open(undefined, { storage: { s3: { ...storage.s3, credentials: { ...credentials, ...wrong } } } })
    await expect(as({ secretAccessKey: 'guess' })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
    })
    await expect(as({ accessKeyId: 'stranger' })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('AWS_ACCESS_KEY_ID'),
    })
    await expect(
      open(undefined, { storage: { s3: { ...storage.s3, anonymous: true } } }),
    ).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
  })

  it('is NETWORK when no server is there', async () => {
    const s3 = { ...storage.s3, endpoint: 'http://127.0.0.1:1' }
    await expect(open(undefined, { storage: { ...storage, s3 } })).rejects.toMatchObject({ code: 'NETWORK' })
  })
})

describe('an object that is replaced', () => {
  it('after it was opened: nothing is read of it, no index is made', async () => {
    const uri = await world.put('after-open.txt', text)
    const object = await open(uri)
    const slices = await object.partition(partitionNumChunks, { numChunks: 2 })
    await world.put('after-open.txt', text.replace('lorem', 'LOREM'))
    for (const slice of slices)
      await expect(slice.get()).rejects.toMatchObject({ code: 'OBJECT_CHANGED', uri })
    await expect(object.preprocess({ chunkSize: 100_000 })).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
      uri,
    })
    expect((await world.keys()).filter((key) => key.startsWith('after-open.txt.'))).toEqual([])
  })

  it('after it was preprocessed: its index is stale, its slices refuse', async () => {
    const uri = await world.put('after-index.txt', text)
    const object = await open(uri)
    await object.preprocess()
    const [slice] = await object.partition(partitionChunkLines, { linesPerChunk: 100 })
    await world.put('after-index.txt', `${text}one more\n`)
    await expect(slice?.get()).rejects.toMatchObject({ code: 'OBJECT_CHANGED', uri })
    const again = await open(uri)
    expect(again.isPreprocessed()).toBe(false)
    await expect(again.partition(partitionChunkLines, { linesPerChunk: 100 })).rejects.toMatchObject({
      code: 'STALE_INDEX',
    })
    await again.preprocess()
    expect(again.attributes.totalLines).toBe(20_001)
  })

  it('between two reads of one slice: an error, never a mixture', async () => {
    const word = 'x'.repeat(50_000)
    const uri = await world.put('long-word.txt', `a ${word} b`)
    const object = await open(uri)
    const [first] = await object.partition(wholeWordsStrategy, { numChunks: 3, padding: 16 })
    expect(await first?.get()).toBe(`a ${word} `)
    const body = `a ${word.replaceAll('x', 'y')} b`
    world.server.addFault({ match: objectReads('long-word.txt'), after: 1, fault: { type: 'replace', body } })
    await expect(first?.get()).rejects.toMatchObject({ code: 'OBJECT_CHANGED', uri })
  })

  it('while its body breaks off: the rest is not taken from the new one', async () => {
    const uri = await world.put('broken.txt', text)
    const [slice] = await (await open(uri)).partition(partitionNumChunks, { numChunks: 1 })
    const match = objectReads('broken.txt')
    world.server.addFault({ match, fault: { type: 'reset', afterBytes: 100_000 } })
    world.server.addFault({ match, after: 1, fault: { type: 'replace', body: text.toUpperCase() } })
    await expect(slice?.get()).rejects.toMatchObject({ code: 'OBJECT_CHANGED', uri })
  })
})

describe('a server that misbehaves', () => {
  it.each([
    ['ignores the range', { type: 'ignore-range' }],
    ['sends another range', { type: 'wrong-content-range' }],
  ] as const)('and %s is RANGE_IGNORED, not wrong bytes', async (_, fault) => {
    const [, slice] = await (await open()).partition(partitionNumChunks, { numChunks: 3 })
    world.server.addFault({ match: objectReads(), times: Number.POSITIVE_INFINITY, fault })
    await expect(slice?.get()).rejects.toMatchObject({ code: 'RANGE_IGNORED' })
  })

  it.each([
    ['resets a body', { type: 'reset', afterBytes: 30_000 }],
    ['stalls in a body', { type: 'stall', afterBytes: 30_000 }],
    ['ends a body early', { type: 'short-body', bytes: 30_000 }],
    ['asks for fewer requests', { type: 'status', status: 503 }],
    ['fails inside', { type: 'status', status: 500 }],
  ] as const)('and %s, twice for each object, is put up with', async (_, fault) => {
    const object = await open(undefined, { storage: patient })
    const slices = await object.partition(partitionNumChunks, { numChunks: 3 })
    const splits = slices.map((slice) => (slice.toJSON().data.range as unknown as [number, number])[0])
    world.server.requests.length = 0
    world.server.addFault({ match: objectReads(), times: 2, fault })
    expect((await read(slices)).join('')).toBe(text)
    const reads = world.requests()
    expect(reads.filter((request) => request.fault).length).toBe(2)
    expect(reads.length).toBeGreaterThanOrEqual(3 + 2)
    // Resumed from the byte it reached: what had arrived is not asked for again.
    const from = reads.map(({ range }) => Number(/=(\d+)/.exec(range ?? '')?.[1]))
    const arrived = fault.type === 'status' ? 0 : 30_000
    const starts = splits.map((start) => Math.max(start - 1, 0))
    const allowed = new Set([...starts, ...starts.map((start) => start + arrived)])
    expect(from.filter((offset) => !allowed.has(offset))).toEqual([])
  })

  it('for ever is an error with its code, after the attempts allowed', async () => {
    const [slice] = await (await open()).partition(partitionNumChunks, { numChunks: 1 })
    world.server.requests.length = 0
    world.server.addFault({ times: Number.POSITIVE_INFINITY, fault: { type: 'status', status: 503 } })
    await expect(slice?.get()).rejects.toMatchObject({
      code: 'THROTTLED',
      message: expect.stringContaining('3 attempts'),
    })
    expect(world.requests().length).toBe(3)
    await expect(open()).rejects.toMatchObject({ code: 'THROTTLED' })
  })

  it('while preprocessing changes nothing in the index', async () => {
    const uri = await world.put('preprocessed.txt', text)
    const index = async (chunkSize: number) => {
      await (await open(uri, { storage: patient })).preprocess({ chunkSize, force: true })
      return sha256((await world.get('preprocessed.txt.dataplug')) ?? '')
    }
    const expected = await index(size)
    const match = objectReads('preprocessed.txt')
    world.server.addFault({ match, after: 2, fault: { type: 'reset', afterBytes: 5000 } })
    world.server.addFault({ match, after: 4, times: 2, fault: { type: 'status', status: 503 } })
    world.server.addFault({ match, after: 8, fault: { type: 'stall', afterBytes: 70_000 } })
    world.server.addFault({
      match: { method: 'PUT' },
      after: 1,
      times: 2,
      fault: { type: 'status', status: 500 },
    })
    expect(await index(100_000)).toBe(expected)
  })
})

describe('an index that cannot be published', () => {
  it('because the bucket is read-only names the way out, which works', async () => {
    const uri = await world.put('read-only.txt', text)
    const object = await open(uri)
    const refuse = {
      match: { method: 'PUT', bucket: 'data' },
      times: Number.POSITIVE_INFINITY,
      fault: { type: 'status', status: 403 },
    } as const
    world.server.addFault(refuse)
    for (const chunkSize of [size, 100_000]) {
      await expect(object.preprocess({ chunkSize })).rejects.toMatchObject({
        code: 'STORE_READ_ONLY',
        uri: expect.stringContaining('read-only.txt.dataplug'),
        message: expect.stringContaining('`metadata`'),
      })
    }
    const elsewhere = await open(uri, { metadata: 's3://indexes/' })
    await elsewhere.preprocess({ chunkSize: 100_000 })
    expect(await world.keys('indexes')).toEqual(['data/read-only.txt.dataplug'])
    expect((await open(uri, { metadata: 's3://indexes/' })).attributes.totalLines).toBe(20_000)
    expect((await world.keys()).filter((key) => key.startsWith('read-only.txt.'))).toEqual([])
  })

  it('because the store is full is STORE_FULL, and what was done is kept', async () => {
    const uri = await world.put('full.txt', text)
    const object = await open(uri)
    const fault = { type: 'status', status: 507, code: 'QuotaExceeded' } as const
    world.server.addFault({
      match: { method: 'PUT', key: 'full.txt.dataplug' },
      times: Number.POSITIVE_INFINITY,
      fault,
    })
    await expect(object.preprocess({ chunkSize: 100_000 })).rejects.toMatchObject({ code: 'STORE_FULL' })
    world.server.clearFaults()
    world.server.requests.length = 0
    await object.preprocess({ chunkSize: 100_000 })
    expect(world.log().filter((line) => line.startsWith('GET data/full.txt '))).toEqual([])
    expect(object.attributes.totalLines).toBe(20_000)
    expect((await world.keys()).filter((key) => key.startsWith('full.txt.'))).toEqual(['full.txt.dataplug'])
  })

  it('because there is no such bucket says so', async () => {
    const object = await open(undefined, { metadata: 's3://nobody/' })
    await expect(object.preprocess()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('no bucket "nobody"'),
    })
  })

  it('is not what it is when only listing or removing is not permitted', async () => {
    for (const match of [{ method: 'GET', key: '' }, { method: 'DELETE' }]) {
      const uri = await world.put('permissions.txt', text)
      await (await open(uri)).clean()
      world.server.addFault({
        match,
        times: Number.POSITIVE_INFINITY,
        fault: { type: 'status', status: 403 },
      })
      const object = await open(uri)
      await object.preprocess({ chunkSize: 100_000 })
      expect(object.attributes.totalLines).toBe(20_000)
      await expect(object.clean()).rejects.toMatchObject({
        uri: expect.stringContaining('permissions.txt.dataplug'),
      })
      world.server.clearFaults()
      await object.clean()
      expect((await world.keys()).filter((key) => key.startsWith('permissions.txt.'))).toEqual([])
    }
  })

  it('is looked for with permission or without: 403 is no index, and the reason is told', async () => {
    world.server.addFault({
      match: { key: 'sample.txt.dataplug' },
      times: Number.POSITIVE_INFINITY,
      fault: { type: 'status', status: 403 },
    })
    const object = await open()
    expect(object.isPreprocessed()).toBe(false)
    expect(() => object.attributes).toThrowError(
      expect.objectContaining({ code: 'NOT_PREPROCESSED', message: expect.stringContaining('refused') }),
    )
  })
})

describe('an index on S3', () => {
  const key = 'indexed.txt.dataplug'
  const uri = 's3://data/indexed.txt'
  let index: Buffer

  beforeAll(async () => {
    await world.put('indexed.txt', text)
    await (await open(uri)).preprocess()
    index = (await world.get(key)) as Buffer
  })

  /** How opening and partitioning end, when the index is these bytes. */
  async function outcome(bytes: Uint8Array): Promise<unknown> {
    await world.put(key, bytes)
    const object = await open(uri)
    const slices = await object
      .partition(partitionChunkLines, { linesPerChunk: 2000 })
      .catch((error: unknown) => error)
    if (!Array.isArray(slices)) return (slices as { code: string }).code
    return (await read(slices)).join('') === text ? 'right' : 'wrong'
  }

  it('that is cut short, changed, of another version or of nothing is INVALID_INDEX', async () => {
    expect(await outcome(index)).toBe('right')
    for (const length of [0, 1, 31, 4095, 4096, index.length - 1]) {
      expect(await outcome(index.subarray(0, length)), `cut to ${length}`).toBe('INVALID_INDEX')
    }
    for (const place of [0, 9, 14, 20, 100, 4100, index.length - 3]) {
      const flipped = Buffer.from(index)
      flipped[place] = (flipped[place] as number) ^ 0x10
      expect(await outcome(flipped), `flipped at ${place}`).toBe('INVALID_INDEX')
    }
    expect(await outcome(Buffer.from('not an index\n'.repeat(1000)))).toBe('INVALID_INDEX')
    expect(await outcome(Buffer.concat([index, Buffer.from('more')]))).toBe('INVALID_INDEX')
  })

  it('of another object is STALE_INDEX; preprocessing replaces it', async () => {
    await world.put('neighbour.txt', `${text}more\n`)
    await (await open('s3://data/neighbour.txt')).preprocess()
    expect(await outcome((await world.get('neighbour.txt.dataplug')) as Buffer)).toBe('STALE_INDEX')
    const object = await open(uri)
    await object.preprocess()
    expect((await world.get(key))?.equals(index)).toBe(true)
  })

  it('that is replaced after it was opened is not read half', async () => {
    await world.put(key, index)
    const object = await open(uri)
    await world.put('twin.txt', text.toUpperCase())
    await (await open('s3://data/twin.txt')).preprocess()
    await world.put(key, (await world.get('twin.txt.dataplug')) as Buffer)
    await expect(object.partition(partitionChunkLines, { linesPerChunk: 2000 })).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
      uri: `${uri}.dataplug`,
    })
  })
})

describe('odd objects', () => {
  const objects: Readonly<Record<string, string | Buffer>> = {
    empty: '',
    'one byte': 'x',
    'one line feed': '\n',
    'no delimiter at all': 'x'.repeat(9000),
    'NUL bytes': Buffer.from('a\0b\0\n\0\0 c\n'.repeat(500)),
    'CR LF and a byte order mark': `\ufeff${'one\r\ntwo three\r\n'.repeat(300)}`,
    'bytes that are no UTF-8': Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) & 0xff)),
  }

  it.each(Object.keys(objects))('%s: every strategy gives back every byte', async (name) => {
    const body = Buffer.from(objects[name] as string)
    const uri = await world.put('odd object.txt', body)
    const object = await open(uri)
    await object.preprocess({ chunkSize: 1000, force: true })
    expect(object.size).toBe(body.length)
    const newlines = body.filter((byte) => byte === 10).length
    expect(object.attributes.totalLines).toBe(newlines + (body.length > 0 && body.at(-1) !== 10 ? 1 : 0))
    for (const slices of await Promise.all([
      object.partition(wholeWordsStrategy, { numChunks: 7, padding: 4 }),
      object.partition(partitionNumChunks, { numChunks: 4 }),
      object.partition(partitionChunkSize, { chunkSize: 997 }),
      object.partition(partitionChunkLines, { linesPerChunk: 100 }),
    ])) {
      const pieces = await Promise.all(slices.map((slice) => slice.bytes()))
      expect(Buffer.concat(pieces).equals(body)).toBe(true)
    }
  })
})
