import { fileURLToPath } from 'node:url'
import { CloudObject, isDataplugError, Slice } from 'dataplug'
import {
  partitionChunkLines,
  partitionChunkSize,
  partitionNumChunks,
  UTF8Text,
  wholeWordsStrategy,
} from 'dataplug/formats/text'
import { presign } from 'dataplug/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { cli, openWire, run, sampleText, sha256, startWorld, temporaryFolder, type World } from './world.js'

const text = sampleText(20_000)
const size = Buffer.byteLength(text)
const uri = 's3://data/sample.txt'
let world: World

beforeAll(async () => {
  world = await startWorld()
  await world.put('sample.txt', text)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => world.server.clearFaults())

const open = (location = uri, options = {}) =>
  CloudObject.open(UTF8Text, location, { storage: world.storage, ...options })
const read = (slices: readonly Slice<string>[]) => Promise.all(slices.map((slice) => slice.get()))

describe('keys', () => {
  it.each([
    'a b/c d.txt',
    'Grüße/水/😀.txt',
    'hash#1.txt',
    'what?.txt',
    '100%.txt',
    '%41.txt',
    'a+b=c&d.txt',
    'double//slash.txt',
    'quote\'"<>.txt',
    'slice.txt/',
    'no-extension',
  ])('are taken literally: %s', async (key) => {
    const location = await world.put(key, text)
    const object = await open(location)
    expect(object.uri).toBe(location)
    await object.preprocess({ chunkSize: 200_000 })
    const slices = await object.partition(partitionChunkLines, { linesPerChunk: 7000 })
    const revived = slices.map((slice) =>
      Slice.fromJSON<string>(JSON.stringify(slice), { storage: world.storage }),
    )
    expect((await read(revived)).join('')).toBe(text)
    expect(await world.get(`${key.replace(/\/$/, '')}.dataplug`)).toBeDefined()
    await object.clean()
    expect(await world.get(`${key.replace(/\/$/, '')}.dataplug`)).toBeUndefined()
    expect((await world.get(key))?.length).toBe(size)
  })

  it('do not meet in a common folder of indexes', async () => {
    const locations = await Promise.all(
      ['x/a.txt', 'y/a.txt', 'a.txt'].map((key, i) => world.put(key, `${i}\n`.repeat(i + 1))),
    )
    for (const location of locations)
      await (await open(location, { metadata: 's3://indexes/all/' })).preprocess()
    const totals = await Promise.all(
      locations.map(
        async (location) => (await open(location, { metadata: 's3://indexes/all/' })).attributes.totalLines,
      ),
    )
    expect(totals).toEqual([1, 2, 3])
  })
})

describe('what it costs', () => {
  const requests = () => {
    const log = world.log()
    world.server.requests.length = 0
    return log
  }

  it('two requests to open, none to plan, one for each slice, and few bytes more than it delivers', async () => {
    requests()
    const object = await open()
    expect(requests().sort()).toEqual([
      expect.stringMatching(/^GET data\/sample.txt 0-/),
      'GET data/sample.txt.dataplug 0-4095',
    ])
    const plans = [
      await object.partition(wholeWordsStrategy, { numChunks: 9 }),
      await object.partition(partitionNumChunks, { numChunks: 9 }),
      await object.partition(partitionChunkSize, { chunkSize: 70_000 }),
    ]
    expect(requests()).toEqual([])
    for (const slices of plans) {
      expect((await read(slices)).join('')).toBe(text)
      const made = world.requests()
      expect(made.length).toBe(slices.length)
      expect(made.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(size + slices.length * 513)
      requests()
    }
  })

  it('with an index: its pages once to plan, then one request for each slice', async () => {
    const location = await world.put('indexed.txt', text)
    await (await open(location)).preprocess({ chunkSize: 200_000 })
    const object = await open(location)
    requests()
    const slices = await object.partition(partitionChunkLines, { linesPerChunk: 999 })
    expect(requests().length).toBeLessThanOrEqual(3)
    expect((await read(slices)).join('')).toBe(text)
    expect(world.requests().length).toBe(slices.length)
    const bytes = world.requests().reduce((sum, request) => sum + request.bytes, 0)
    expect(bytes).toBeLessThanOrEqual(size + slices.length * 2 * 512)
  })

  it('to preprocess: each byte once, each task kept once, one index', async () => {
    const location = await world.put('preprocessed.txt', text)
    const object = await open(location)
    requests()
    await object.preprocess({ chunkSize: 100_000 })
    const tasks = Math.ceil(size / 100_000)
    const log = world.log()
    const reads = log.filter((line) => line.startsWith('GET data/preprocessed.txt '))
    expect(reads.length).toBe(tasks)
    expect(
      world
        .requests()
        .filter(({ key }) => key === 'preprocessed.txt')
        .reduce((sum, { bytes }) => sum + bytes, 0),
    ).toBe(size)
    expect(log.filter((line) => line.startsWith('PUT')).length).toBe(tasks + 1)
    expect(log.filter((line) => line === 'PUT data/preprocessed.txt.dataplug').length).toBe(1)
    expect(log.filter((line) => line.startsWith('HEAD'))).toEqual([])
  })

  it('one connection, when slices are read one after the other', async () => {
    await using wire = await openWire(world.server)
    const storage = { ...world.storage, s3: { ...world.storage.s3, endpoint: wire.endpoint } }
    const slices = await (await open(uri, { storage })).partition(wholeWordsStrategy, { numChunks: 40 })
    const before = wire.connections()
    for (const slice of slices) await slice.get()
    expect(wire.connections() - before).toBeLessThanOrEqual(1)
  })
})

describe('disposing of an object', () => {
  it('leaves its slices what they are, and what is under way alone', async () => {
    const storage = { ...world.storage }
    const [first, second] = [await open(uri, { storage }), await open(uri, { storage })]
    const [slice] = await first.partition(partitionNumChunks, { numChunks: 1 })
    let delivered = 0
    for await (const chunk of slice?.chunks() ?? []) {
      if (delivered === 0) {
        await first[Symbol.asyncDispose]()
        await first[Symbol.asyncDispose]()
        // The other one was opened with the same options, and goes on.
        expect((await second.partition(partitionNumChunks, { numChunks: 1 }))[0]?.uri).toBe(uri)
        await second[Symbol.asyncDispose]()
      }
      delivered += chunk.length
    }
    expect(delivered).toBe(size)
    expect(await slice?.get()).toBe(text)
  })
})

describe('a presigned URL', () => {
  const signed = (key = 'sample.txt', expiresIn = 900, time = Date.now()) => {
    const { endpoint, credentials } = world.server
    return presign({ endpoint, bucket: 'data', key, credentials, expiresIn, time })
  }

  it('is cut and read by ranged GETs alone', async () => {
    world.server.requests.length = 0
    const object = await open(signed())
    const slices = await object.partition(wholeWordsStrategy, { numChunks: 4 })
    const revived = slices.map((slice) => Slice.fromJSON<string>(JSON.stringify(slice)))
    expect((await read(revived)).join('')).toBe(text)
    const object_ = world.requests().filter(({ key }) => key === 'sample.txt')
    expect(object_.length).toBe(1 + 4)
    for (const { method, range } of object_)
      expect({ method, ranged: range !== undefined }).toEqual({ method: 'GET', ranged: true })
  })

  it('is preprocessed with its index elsewhere, and found again under another signature', async () => {
    const object = await open(signed(), { metadata: 's3://indexes/signed/' })
    await object.preprocess({ chunkSize: 300_000 })
    const [key] = (await world.keys('indexes')).filter((name) => name.startsWith('signed/'))
    expect(key).toMatch(/^signed\/127\.0\.0\.1_\d+\/data\/sample\.txt\.dataplug$/)
    const later = await open(signed(undefined, 300), { metadata: 's3://indexes/signed/' })
    expect(later.attributes.totalLines).toBe(20_000)
    const slices = await later.partition(partitionChunkLines, { linesPerChunk: 6000 })
    expect((await read(slices)).join('')).toBe(text)
  })

  it('never stands in a message with its signature', async () => {
    const errors: unknown[] = []
    const collect = (error: unknown) => void errors.push(error)
    const object = await open(signed())
    await object.preprocess().catch(collect)
    await object.partition(partitionChunkLines, { linesPerChunk: 10 }).catch(collect)
    await open(signed('none.txt')).catch(collect)
    await open(signed(undefined, 1, Date.now() - 60_000)).catch(collect)
    const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    const line = JSON.stringify(slice)
    await Slice.fromJSON(line.replace('"version":1', '"version":99')).get().catch(collect)
    await Slice.fromJSON(line.replace('"padding":512', '"padding":0')).get().catch(collect)
    await Slice.fromJSON(line.replace(/"etag":"[^,]*,/, '"etag":"other",'))
      .get()
      .catch(collect)
    expect(errors.map((error) => isDataplugError(error) && error.code)).toEqual([
      'STORE_READ_ONLY',
      'NOT_PREPROCESSED',
      'NOT_FOUND',
      'ACCESS_DENIED',
      'UNKNOWN_FORMAT',
      'INVALID_SLICE',
      'OBJECT_CHANGED',
    ])
    for (const error of errors) expect(String((error as Error).message)).not.toMatch(/Signature|Credential/)
  })
})

describe('another process', () => {
  it('reads the same bytes from the lines of a slice, with nothing but its own credentials', async () => {
    const object = await open()
    const slices = [
      ...(await object.partition(wholeWordsStrategy, { numChunks: 2 })),
      ...(await object.partition(partitionChunkSize, { chunkSize: 300_000 })),
    ]
    const expected = await Promise.all(slices.map(async (slice) => sha256(await slice.bytes())))
    const program = fileURLToPath(new URL('./modules/read-slices.mjs', import.meta.url))
    const stdin = slices.map((slice) => JSON.stringify(slice)).join('\n')
    const { code, stdout } = await run([program], { stdin, env: world.env })
    expect({ code, hashes: stdout.toString().trim().split('\n') }).toEqual({ code: 0, hashes: expected })
  })

  it('that preprocesses the same object at the same time does no harm: one index is left, and it is right', async () => {
    const folder = await temporaryFolder()
    const key = 'shared.txt'
    const location = await world.put(key, text)
    const alone = await open(location, { metadata: `${folder.path}/alone.index` })
    await alone.preprocess()
    const args = ['preprocess', location, '--quiet', '--chunk-size', '40kB']
    const ended = await Promise.all([1, 2].map(() => cli(args, { env: world.env })))
    expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      [1, 2].map(() => ({ code: 0, stderr: '' })),
    )
    expect((await world.keys()).filter((name) => name.startsWith('shared.txt.'))).toEqual([
      'shared.txt.dataplug',
    ])
    const { readFile } = await import('node:fs/promises')
    expect((await world.get(`${key}.dataplug`))?.equals(await readFile(`${folder.path}/alone.index`))).toBe(
      true,
    )
    await folder[Symbol.asyncDispose]()
  })
})

describe('abort', () => {
  const reason = new Error('enough')
  const every = Number.POSITIVE_INFINITY

  it.each([
    ['before the request', undefined],
    ['while no answer comes', { type: 'no-headers' }],
    ['while the answer is late', { type: 'delay', ms: 60_000 }],
    ['in the middle of a body', { type: 'stall', afterBytes: 50_000 }],
    ['while a body trickles', { type: 'slow', bytesPerSecond: 5000 }],
    ['while a retry waits', { type: 'status', status: 503 }],
  ] as const)('%s ends a slice at once with the reason, and leaves no connection', async (_, fault) => {
    await using wire = await openWire(world.server)
    const storage = {
      s3: { ...world.storage.s3, endpoint: wire.endpoint },
      retry: { attempts: 100, baseDelayMs: 60_000, maxDelayMs: 60_000 },
    }
    const object = await open(uri, { storage })
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    const controller = new AbortController()
    const { signal } = controller
    world.server.requests.length = 0
    if (fault) world.server.addFault({ times: every, fault })
    const reading = slice?.get({ signal })
    if (!fault) controller.abort(reason)
    else {
      const reached = fault.type === 'stall' ? 50_000 : fault.type === 'slow' ? 1 : 0
      const arrived = () => {
        const [request] = world.requests()
        return request && request.bytes >= reached && (fault.type !== 'status' || request.status === 503)
      }
      while (!arrived()) await new Promise((resolve) => setTimeout(resolve, 5))
      controller.abort(reason)
    }
    await expect(reading).rejects.toBe(reason)
    world.server.clearFaults()
    // Of those kept for the next request, one may be left: disposing of the object closes it.
    await object[Symbol.asyncDispose]()
    await wire.idle()
  })

  it('of a stream, by leaving it or cancelling it, leaves no connection', async () => {
    await using wire = await openWire(world.server)
    const storage = { ...world.storage, s3: { ...world.storage.s3, endpoint: wire.endpoint } }
    const object = await open(uri, { storage })
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    for await (const _ of slice?.chunks() ?? []) break
    const reader = slice?.stream().getReader()
    await reader?.read()
    await reader?.cancel()
    for await (const line of slice?.lines() ?? []) if (line.startsWith('5 ')) break
    await object[Symbol.asyncDispose]()
    await wire.idle()
  })

  it('of opening and preprocessing ends them with the reason', async () => {
    const location = await world.put('aborted.txt', text)
    const object = await open(location)
    world.server.addFault({ times: every, fault: { type: 'no-headers' } })
    for (const begin of [
      (signal: AbortSignal) => open(location, { signal }),
      (signal: AbortSignal) => object.preprocess({ signal, chunkSize: 100_000 }),
      (signal: AbortSignal) => object.clean({ signal }),
    ]) {
      const controller = new AbortController()
      world.server.requests.length = 0
      const begun = begin(controller.signal)
      while (world.requests().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      controller.abort(reason)
      await expect(begun).rejects.toBe(reason)
    }
  })

  it('leaves a process nothing to wait for', async () => {
    const program = fileURLToPath(new URL('./modules/abort.mjs', import.meta.url))
    world.server.addFault({
      match: { range: true, key: 'sample.txt' },
      after: 1,
      times: every,
      fault: { type: 'stall', afterBytes: 70_000 },
    })
    const env = { ...world.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
    const { code, stdout, stderr } = await run([program, uri], { env })
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 0, stdout: 'reason\n', stderr: '' })
  })
})
