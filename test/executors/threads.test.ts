import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudObject, inline, isDataplugError, map, type Slice, threads } from 'dataplug'
import { partitionNumChunks, UTF8Text, wholeWordsStrategy } from 'dataplug/formats/text'
import { memoryStore } from 'dataplug/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleText, startWorld, temporaryFolder, type World } from '../integration/world.js'

const module = (name: string) => new URL(`./modules/${name}`, import.meta.url)
const misbehave = (what: string, only?: number) =>
  module(`misbehave.mjs?what=${what}${only === undefined ? '' : `&only=${only}`}`)

const text = sampleText(20_000)
const size = Buffer.byteLength(text)

// For work that leaves its threads alive.
const shared = threads({ size: 2 })
let world: World
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let path: string

beforeAll(async () => {
  world = await startWorld()
  await world.put('sample.txt', text)
  folder = await temporaryFolder()
  path = join(folder.path, 'sample.txt')
  await writeFile(path, text)
})
afterAll(async () => {
  await shared[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

async function cut(numChunks: number, location = path): Promise<Slice<string>[]> {
  const object = await CloudObject.open(UTF8Text, location, { storage: world.storage })
  return object.partition(partitionNumChunks, { numChunks })
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`gave ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
}

describe('a pool and this thread', () => {
  it.each(['file', 's3'])('make the same index of the same bytes (%s)', async (kind) => {
    const location = kind === 'file' ? path : 's3://data/sample.txt'
    const indexOf = async (workers: number, chunkSize: number) => {
      const metadata = join(folder.path, `${kind}-${workers}-${chunkSize}.index`)
      const object = await CloudObject.open(UTF8Text, location, { storage: world.storage, metadata })
      await using executor = workers === 0 ? inline() : threads({ size: workers })
      await object.preprocess({ executor, chunkSize })
      return readFile(metadata)
    }
    const expected = await indexOf(0, size)
    const arms = [
      [0, 9999],
      [1, 100_000],
      [2, 16_384],
      [3, 65_537],
      [3, 2 * size],
    ] as const
    // Each thread that reads S3 loads the SDK first.
    for (const [workers, chunkSize] of kind === 'file' ? arms : [arms[0], arms[2]]) {
      expect((await indexOf(workers, chunkSize)).equals(expected), `${workers} × ${chunkSize}`).toBe(true)
    }
  })

  it.each(['file', 's3'])(
    'map a function to the same results, in the order of the slices (%s)',
    async (kind) => {
      const slices = await cut(23, kind === 'file' ? path : 's3://data/sample.txt')
      const pool = shared
      const done: number[] = []
      const there = await map<{ id: number; words: number }>(pool, slices, module('count-words.mjs'), {
        onProgress: (n, of) => done.push(n, of),
      })
      expect(there).toEqual(await map(inline(), slices, module('count-words.mjs')))
      expect(there.map(({ id }) => id)).toEqual(slices.map(({ id }) => id))
      expect(there.reduce((sum, { words }) => sum + words, 0)).toBe(text.split(/\s+/).filter(Boolean).length)
      expect(done).toEqual(slices.flatMap((_, i) => [i + 1, 23]))
      const backwards = [...slices].reverse()
      expect(await map(pool, backwards, module('count-words.mjs'))).toEqual([...there].reverse())
    },
  )

  it('give bytes as bytes, and nothing for nothing', async () => {
    const pool = shared
    const slices = await cut(5)
    const pieces = await map<Uint8Array>(pool, slices, misbehave('bytes'))
    expect(Buffer.concat(pieces).toString()).toBe(text)
    expect(await map(pool, [], misbehave('bytes'))).toEqual([])
  })

  it('give bytes whole, whether these are copied or moved', async () => {
    await using pool = threads({ size: 1 })
    const sizes = await map<Uint8Array>(pool, await cut(6), misbehave('large-or-small'))
    for (const [id, bytes] of sizes.entries()) {
      expect(bytes.length).toBe(id % 2 ? 3 << 20 : 1000)
      expect(bytes.every((byte) => byte === id)).toBe(true)
    }
  })
})

describe('an error in the function', () => {
  it.each([
    ['throw', { name: 'TypeError', message: 'no such word' }],
    ['throw-nothing', { name: 'Error', message: 'undefined' }],
    ['throw-object', { message: 'a thrown object' }],
    [
      'throw-coded',
      { name: 'DataplugError', code: 'MALFORMED_DATA', message: 'odd bytes', uri: 'memory:x', offset: 7 },
    ],
  ])('arrives as it was thrown (%s), and the pool goes on', async (what, expected) => {
    const pool = shared
    const slices = await cut(6)
    expect(await failureOf(map(pool, slices, misbehave(what, 4)))).toMatchObject(expected)
    expect(await map(pool, slices, misbehave(what, -1))).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('is what the first failing slice threw, when all fail', async () => {
    const pool = shared
    const error = await failureOf(map(pool, await cut(9), misbehave('throw')))
    expect(error).toMatchObject({ name: 'TypeError', message: 'no such word' })
    expect(String((error as Error).stack)).toContain('misbehave.mjs')
  })

  it('of the library keeps its code, URI and offset', async () => {
    const location = await world.put('gone.txt', 'one two\n')
    const slices = await cut(1, location)
    await world.put('gone.txt', 'three four\n')
    const pool = shared
    const error = await failureOf(map(pool, slices, module('count-words.mjs')))
    expect(isDataplugError(error, 'OBJECT_CHANGED')).toBe(true)
    expect(error).toMatchObject({ uri: location })
  })

  it('in the module itself, or a module that is not there, is MISSING_DEPENDENCY', async () => {
    const pool = shared
    const slices = await cut(1)
    expect(await failureOf(map(pool, slices, module('not-there.mjs')))).toMatchObject({
      code: 'MISSING_DEPENDENCY',
      message: expect.stringContaining('not-there.mjs'),
    })
    expect(await failureOf(map(pool, slices, 'data:text/javascript,export const no = 1'))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('default export'),
    })
  })
})

describe('a worker that dies', () => {
  it.each([
    ['exit', 'exited with code: 0'],
    ['exit&code=3', 'exited with code: 3'],
    ['throw-later', 'too late to be caught'],
    ['allocate', 'memory'],
  ])('is WORKER_FAILED, naming object and number (%s), and is replaced', async (what, reason) => {
    await using pool = threads({ size: 2, maxHeapMiB: 32 })
    const slices = await cut(6)
    const error = await failureOf(map(pool, slices, misbehave(what, 3)))
    expect(error).toMatchObject({ code: 'WORKER_FAILED', uri: slices[0]?.uri })
    expect(String(error)).toContain(reason)
    expect(String(error)).toContain(`number 3 of ${slices[0]?.uri}`)
    expect(await map(pool, slices, misbehave(what, -1))).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('takes no other work with it: what waits for a thread gets one', async () => {
    await using pool = threads({ size: 1 })
    const slices = await cut(4)
    const [dies, ...live] = await Promise.allSettled([
      map(pool, slices, misbehave('exit', 0)),
      map(pool, slices, misbehave('exit', -1)),
      map(pool, slices, misbehave('exit', -1)),
    ])
    expect(dies).toMatchObject({ status: 'rejected', reason: { code: 'WORKER_FAILED' } })
    for (const result of live) expect(result).toEqual({ status: 'fulfilled', value: [0, 1, 2, 3] })
  })

  it('of what earlier work left behind is no crash of this process', async () => {
    await using pool = threads({ size: 1 })
    const slices = await cut(1)
    const first = await Promise.allSettled([map(pool, slices, misbehave('reject-unheard'))])
    for (let i = 0; i < 3; i++) {
      const [result] = await Promise.allSettled([map(pool, slices, misbehave('exit', -1))])
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'WORKER_FAILED' })
    }
    expect(['fulfilled', 'rejected']).toContain(first[0].status)
    expect(await map(pool, slices, misbehave('exit', -1))).toEqual([0])
  })

  it('before it can start is WORKER_FAILED, not silence', async () => {
    await using pool = threads({ size: 2, maxHeapMiB: 4 })
    const error = await failureOf(map(pool, await cut(4), misbehave('exit', -1)))
    expect(error).toMatchObject({ code: 'WORKER_FAILED' })
  })
})

describe('what a pool refuses', () => {
  it('results that cannot be cloned', async () => {
    const pool = shared
    const slices = await cut(2)
    const error = await failureOf(map(pool, slices, misbehave('closure', 1)))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', uri: slices[0]?.uri })
    expect(String(error)).toMatch(/number 1 .*plain data/)
    expect(await map(pool, slices, misbehave('closure', -1))).toEqual([0, 1])
  })

  it('a store that is an object', async () => {
    const pool = shared
    const store = memoryStore({ 'memory:t': text })
    const object = await CloudObject.open(UTF8Text, 'memory:t', { store })
    await expect(object.preprocess({ executor: pool })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const slices = await object.partition(wholeWordsStrategy, { numChunks: 2 })
    await expect(map(pool, slices, module('count-words.mjs'))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(await map(inline(), slices, module('count-words.mjs'))).toHaveLength(2)
  })

  it.each([0, -1, 1.5, Number.NaN, 1025])('%s threads', (size) => {
    expect(() => threads({ size })).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it.each([0, -1, 3.9, Number.NaN])('a heap of %s MiB', (maxHeapMiB) => {
    expect(() => threads({ maxHeapMiB })).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('abort', () => {
  const reason = new Error('enough')

  it.each(['hang', 'spin'])(
    'ends work that never ends (%s), with the reason; the pool goes on',
    async (what) => {
      await using pool = threads({ size: 2 })
      const slices = await cut(6)
      const controller = new AbortController()
      const mapped = map(pool, slices, misbehave(what, 5), {
        signal: controller.signal,
        onProgress: (done) => done === 5 && controller.abort(reason),
      })
      await expect(mapped).rejects.toBe(reason)
      expect(await map(pool, slices, misbehave(what, -1))).toEqual([0, 1, 2, 3, 4, 5])
    },
  )

  it('of one map leaves the other alone', async () => {
    await using pool = threads({ size: 1 })
    const slices = await cut(3)
    const controller = new AbortController()
    const hanging = map(pool, slices, misbehave('hang', 1), {
      signal: controller.signal,
      onProgress: () => setImmediate(() => controller.abort(reason)),
    })
    const other = map(pool, slices, misbehave('hang', -1))
    await expect(hanging).rejects.toBe(reason)
    expect(await other).toEqual([0, 1, 2])
  })

  it('before the start starts nothing', async () => {
    const pool = shared
    const signal = AbortSignal.abort(reason)
    await expect(map(pool, await cut(1), misbehave('exit'), { signal })).rejects.toBe(reason)
  })
})

describe('disposal', () => {
  it('twice is once, and ends what runs', async () => {
    const pool = threads({ size: 1 })
    const slices = await cut(3)
    const mapped = failureOf(map(pool, slices, misbehave('hang', 1), { onProgress: () => void dispose() }))
    const dispose = () => Promise.all([pool[Symbol.asyncDispose](), pool[Symbol.asyncDispose]()])
    const error = await mapped
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('disposed') })
    await pool[Symbol.asyncDispose]()
    await expect(map(pool, slices, misbehave('hang', -1))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('of a pool that was never used does nothing', async () => {
    await using pool = threads()
    expect(pool.concurrency).toBeGreaterThan(0)
  })
})
