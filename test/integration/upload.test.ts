// The library's sources, not the built package (the server's is): parts smaller than 64 MiB are no option of the public function.
import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { partitionNumChunks, UTF8Text } from '../../src/formats/text.js'
import { CloudObject } from '../../src/index.js'
import type { StorageConfig } from '../../src/storage/config.js'
import { memoryStore } from '../../src/storage/memory.js'
import { uploadFile } from '../../src/storage/upload.js'
import { sampleText, startWorld, temporaryFolder, type World } from './world.js'

const MIB = 1 << 20
const text = sampleText(20_000)
let world: World
let storage: StorageConfig
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let small: string
let large: string
/** 12 MiB and some, no two parts alike. */
let bytes: Buffer

beforeAll(async () => {
  world = await startWorld()
  storage = world.storage
  folder = await temporaryFolder()
  small = join(folder.path, 'small text.txt')
  large = join(folder.path, 'large.bin')
  await writeFile(small, text)
  bytes = Buffer.alloc(12 * MIB + 345)
  for (let i = 0; i < bytes.length; i += 997) bytes.writeUInt8((i * 7) & 0xff, i)
  await writeFile(large, bytes)
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})
afterEach(() => {
  world.server.clearFaults()
  world.server.requests.length = 0
})

const parts = { partSize: 5 * MIB }
const sent = () =>
  world.requests().map(({ method, query }) => `${method} ${query.replace(/uploadId=[^&]*|x-id=\w+/g, '')}`)
/** Uploads that were begun and neither completed nor removed. */
async function unfinished(): Promise<number> {
  const began = world
    .requests()
    .filter(({ method, query, status }) => method === 'POST' && query.startsWith('uploads') && status === 200)
  const ended = world
    .requests()
    .filter(
      ({ method, query, status }) => /uploadId=/.test(query) && /POST|DELETE/.test(method) && status < 300,
    )
  return began.length - ended.length
}

describe('newFromFile', () => {
  it('uploads a file to S3 and opens it there', async () => {
    for (const file of [small, pathToFileURL(small)]) {
      const object = await CloudObject.newFromFile(UTF8Text, file, 's3://data/new/a b.txt', { storage })
      expect(object).toMatchObject({ uri: 's3://data/new/a b.txt', size: Buffer.byteLength(text) })
      const slices = await object.partition(partitionNumChunks, { numChunks: 3 })
      expect((await Promise.all(slices.map((slice) => slice.get()))).join('')).toBe(text)
    }
    expect((await world.get('new/a b.txt'))?.toString()).toBe(text)
  })

  it('copies a file to a path, whole, and makes its folders', async () => {
    const to = join(folder.path, 'deep/er/copy.txt')
    const object = await CloudObject.newFromFile(UTF8Text, small, to)
    expect(object.uri).toBe(pathToFileURL(to).href)
    expect(await readFile(to, 'utf8')).toBe(text)
    expect(await readdir(join(folder.path, 'deep/er'))).toEqual(['copy.txt'])
  })

  it('replaces what is there, whose index is then stale', async () => {
    const uri = await world.put('replaced.txt', 'old\n')
    const before = await CloudObject.open(UTF8Text, uri, { storage })
    await before.preprocess({ executor: inThisThread })
    const object = await CloudObject.newFromFile(UTF8Text, small, uri, { storage })
    expect(() => object.attributes).toThrowError(expect.objectContaining({ code: 'STALE_INDEX' }))
    await object.preprocess()
    expect(object.attributes.totalLines).toBe(20_000)
  })

  it('uploads an empty file', async () => {
    const empty = join(folder.path, 'empty.txt')
    await writeFile(empty, '')
    expect((await CloudObject.newFromFile(UTF8Text, empty, 's3://data/empty.txt', { storage })).size).toBe(0)
  })

  it('is UNSUPPORTED for a store that is an object, and for schemes that cannot be written', async () => {
    const store = memoryStore()
    for (const [uri, options] of [
      ['memory:x', { store }],
      ['https://host/x', { storage }],
      ['gs://bucket/x', { storage }],
    ] as const) {
      await expect(CloudObject.newFromFile(UTF8Text, small, uri, options)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
      })
    }
  })

  it('names the file that is not there, is a folder, or may not go there', async () => {
    const upload = (file: string, uri: string) => CloudObject.newFromFile(UTF8Text, file, uri, { storage })
    await expect(upload('/no/such/file', 's3://data/x')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      uri: 'file:///no/such/file',
    })
    await expect(upload(folder.path, 's3://data/x')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(upload(small, 's3://nobody/x')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      uri: 's3://nobody/x',
    })
    await expect(upload(small, 's3://data')).rejects.toMatchObject({ code: 'INVALID_URI' })
    await expect(upload(small, join(small, 'below'))).rejects.toMatchObject({ code: expect.any(String) })
    world.server.addFault({ match: { method: 'PUT' }, fault: { type: 'status', status: 403 } })
    await expect(upload(small, 's3://data/x')).rejects.toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.not.stringContaining('index'),
    })
    const rooted = { file: { root: join(folder.path, 'deep') } }
    await expect(uploadFile(small, join(folder.path, 'outside'), rooted)).rejects.toMatchObject({
      code: 'INVALID_URI',
    })
  })
})

describe('a larger file', () => {
  it('goes up in parts and arrives whole', async () => {
    await uploadFile(large, 's3://data/large.bin', storage, parts)
    expect((await world.get('large.bin'))?.equals(bytes)).toBe(true)
    expect(sent().filter((line) => line.startsWith('PUT')).length).toBe(3)
    expect(await unfinished()).toBe(0)
  })

  it('takes resets, errors and stalls of its parts in its stride', async () => {
    const match = { method: 'PUT', key: 'bumpy.bin' }
    world.server.addFault({ match, fault: { type: 'reset', afterBytes: MIB } })
    world.server.addFault({ match, after: 2, fault: { type: 'status', status: 503 } })
    world.server.addFault({ match: { method: 'POST' }, times: 2, fault: { type: 'status', status: 500 } })
    await uploadFile(large, 's3://data/bumpy.bin', storage, parts)
    expect((await world.get('bumpy.bin'))?.equals(bytes)).toBe(true)
    expect(await unfinished()).toBe(0)
  })

  it('that cannot be finished leaves nothing: no object, no parts', async () => {
    const match = { method: 'PUT', key: 'broken.bin' }
    world.server.addFault({
      match,
      after: 1,
      times: Number.POSITIVE_INFINITY,
      fault: { type: 'status', status: 507 },
    })
    await expect(uploadFile(large, 's3://data/broken.bin', storage, parts)).rejects.toMatchObject({
      code: 'STORE_FULL',
    })
    expect(await world.get('broken.bin')).toBeUndefined()
    expect(await unfinished()).toBe(0)
  })

  it('is given up with the reason of the signal, and its parts removed', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const match = { method: 'PUT', key: 'aborted.bin' }
    world.server.addFault({
      match,
      after: 1,
      times: Number.POSITIVE_INFINITY,
      fault: { type: 'stall', afterBytes: 1000 },
    })
    const uploading = uploadFile(large, 's3://data/aborted.bin', storage, {
      ...parts,
      signal: controller.signal,
    })
    while (world.requests().filter(({ method }) => method === 'PUT').length < 3)
      await new Promise((resolve) => setTimeout(resolve, 5))
    controller.abort(reason)
    await expect(uploading).rejects.toBe(reason)
    expect(await world.get('aborted.bin')).toBeUndefined()
    expect(await unfinished()).toBe(0)
    const copying = uploadFile(
      large,
      join(folder.path, 'aborted.bin'),
      {},
      { signal: AbortSignal.abort(reason) },
    )
    await expect(copying).rejects.toBe(reason)
  })

  it.each(['grows', 'shrinks'])('that %s meanwhile is OBJECT_CHANGED', async (how) => {
    const changing = join(folder.path, 'changing.bin')
    await writeFile(changing, bytes)
    // The first part waits until the file is another one.
    world.server.addFault({
      match: { method: 'POST', key: 'changing.bin' },
      fault: { type: 'delay', ms: 300 },
    })
    const uploading = uploadFile(changing, 's3://data/changing.bin', storage, parts)
    const rejected = expect(uploading).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
    while (world.requests().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    if (how === 'shrinks') await truncate(changing, 6 * MIB)
    else await appendFile(changing, 'more')
    await rejected
    expect(await world.get('changing.bin')).toBeUndefined()
    expect(await unfinished()).toBe(0)
  })

  it('does not pass through memory', async () => {
    const sparse = join(folder.path, 'sparse.bin')
    await writeFile(sparse, '')
    await truncate(sparse, 150 * MIB)
    const disk = join(folder.path, 'objects')
    await using own = await startWorld({ directory: disk })
    const before = process.memoryUsage.rss()
    let peak = 0
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss() - before)
    }, 5)
    await uploadFile(sparse, 's3://data/sparse.bin', own.storage)
    clearInterval(timer)
    // Client and server together, and what the collector has not come round to.
    expect(peak).toBeLessThan(120 * MIB)
    expect(own.requests().filter(({ method }) => method === 'PUT').length).toBe(3)
  })
})
