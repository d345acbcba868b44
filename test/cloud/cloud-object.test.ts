import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Executor } from '../../src/cloud/executor.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { isDataplugError } from '../../src/errors.js'
import { defineFormat, defineStrategy } from '../../src/formats/format.js'
import { partitionChunkLines, UTF8Text, wholeWordsStrategy } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import type { ReadableStore, Store } from '../../src/storage/store.js'

const text = 'one line\n'.repeat(5000)

function openIn(store: ReadableStore, options = {}) {
  return CloudObject.open(UTF8Text, 'memory:t', { store, ...options })
}

async function uris(store: Store): Promise<string[]> {
  const found: string[] = []
  for await (const { uri } of store.list('memory:')) found.push(uri)
  return found
}

/** An executor that fails after some tasks, as a process does that is killed. */
function dyingAfter(tasks: number): Executor & { ran: number } {
  const executor = {
    ...inThisThread,
    ran: 0,
    run: (...args: Parameters<Executor['run']>) => {
      if (executor.ran === tasks) return Promise.reject(new Error('killed'))
      executor.ran++
      return inThisThread.run(...args)
    },
  }
  return executor
}

describe('opening', () => {
  it('tells what the object is, and that there is no index yet', async () => {
    const object = await openIn(memoryStore({ 'memory:t': text }))
    expect(object).toMatchObject({ uri: 'memory:t', size: text.length, indexUri: 'memory:t.dataplug' })
    expect(object.isPreprocessed()).toBe(false)
    expect(() => object.attributes).toThrowError(expect.objectContaining({ code: 'NOT_PREPROCESSED' }))
    await expect(object.partition(partitionChunkLines, { linesPerChunk: 10 })).rejects.toMatchObject({
      code: 'NOT_PREPROCESSED',
    })
  })

  it('fails for an object that is not there', async () => {
    await expect(openIn(memoryStore())).rejects.toMatchObject({ code: 'NOT_FOUND', uri: 'memory:t' })
  })

  it('takes s3:// URIs only in fromS3', () => {
    expect(() => CloudObject.fromS3(UTF8Text, 'https://host/key')).toThrowError(
      expect.objectContaining({ code: 'INVALID_URI' }),
    )
  })

  it('reads a Blob', async () => {
    const object = await CloudObject.open(UTF8Text, new Blob([text]))
    const slices = await object.partition(wholeWordsStrategy, { numChunks: 3 })
    expect((await Promise.all(slices.map((slice) => slice.get()))).join('')).toBe(text)
  })
})

describe('preprocessing', () => {
  it('publishes one index and nothing else, and is not repeated', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store)
    const progress: number[] = []
    await object.preprocess({ chunkSize: 10_000, onProgress: ({ bytesDone }) => progress.push(bytesDone) })
    expect(progress).toEqual([0, 10_000, 20_000, 30_000, 40_000, 45_000])
    expect(object.attributes).toEqual({ totalLines: 5000, endsWithNewline: true })
    expect(await uris(store)).toEqual(['memory:t', 'memory:t.dataplug'])
    const again = await openIn(store)
    expect(again.isPreprocessed()).toBe(true)
    const executor = dyingAfter(0)
    await again.preprocess({ executor })
    await expect(again.preprocess({ executor, force: true })).rejects.toThrow('killed')
  })

  it('goes on where an interrupted run stopped', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store)
    await expect(object.preprocess({ chunkSize: 10_000, executor: dyingAfter(3) })).rejects.toThrow('killed')
    expect((await uris(store)).length).toBe(1 + 3)
    expect((await openIn(store)).isPreprocessed()).toBe(false)
    const second = dyingAfter(5)
    await object.preprocess({ chunkSize: 10_000, executor: second })
    expect(second.ran).toBe(2)
    expect(await uris(store)).toEqual(['memory:t', 'memory:t.dataplug'])
    expect(object.attributes.totalLines).toBe(5000)
  })

  it('does again what was kept for another state of the object, or is damaged', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store)
    await expect(object.preprocess({ chunkSize: 10_000, executor: dyingAfter(3) })).rejects.toThrow('killed')
    const [part] = (await uris(store)).filter((uri) => uri.includes('.parts/'))
    await store.write(part as string, new Uint8Array(20))
    const second = dyingAfter(5)
    await object.preprocess({ chunkSize: 10_000, executor: second })
    expect(second.ran).toBe(3)

    await store.write('memory:t', new TextEncoder().encode(`${text}\n`))
    const changed = await openIn(store)
    const third = dyingAfter(9)
    await changed.preprocess({ chunkSize: 10_000, executor: third })
    expect(third.ran).toBe(5)
    expect(changed.attributes.totalLines).toBe(5001)
  })

  it('puts the index where it is told', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store, { metadata: 'memory:elsewhere' })
    await object.preprocess()
    expect(await uris(store)).toEqual(['memory:elsewhere', 'memory:t'])
  })

  it('says so when nothing can be written', async () => {
    const { head, read } = memoryStore({ 'memory:t': text })
    const object = await openIn({ head, read })
    await expect(object.preprocess()).rejects.toMatchObject({ code: 'STORE_READ_ONLY' })
    await expect(object.preprocess()).rejects.toThrow(/metadata/)
  })

  it('stops when the object is replaced meanwhile', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store)
    await store.write('memory:t', new TextEncoder().encode(text.replace('one', 'two')))
    await expect(object.preprocess()).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
    expect(await uris(store)).toEqual(['memory:t'])
  })

  it('stops at once when aborted, keeping what is finished', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store)
    const controller = new AbortController()
    const reason = new Error('enough')
    await expect(
      object.preprocess({
        chunkSize: 10_000,
        signal: controller.signal,
        onProgress: ({ tasksDone }) => {
          if (tasksDone === 2) controller.abort(reason)
        },
      }),
    ).rejects.toBe(reason)
    expect((await uris(store)).length).toBe(1 + 2)
    await object.clean()
    expect(await uris(store)).toEqual(['memory:t'])
  })

  it('leaves an index that goes when the object is gone already, where it lies, and nothing else', async () => {
    const store = memoryStore({ 'memory:t': text, 'memory:t.txt': text })
    await (await openIn(store)).preprocess()
    await (await CloudObject.open(UTF8Text, 'memory:t', { store, metadata: 'memory:elsewhere' })).preprocess()
    await store.remove('memory:t')
    await CloudObject.removeIndex('memory:t', { store, metadata: 'memory:elsewhere' })
    expect(await uris(store)).toEqual(['memory:t.dataplug', 'memory:t.txt'])
    await CloudObject.removeIndex('memory:t', { store })
    await CloudObject.removeIndex('memory:t', { store })
    expect(await uris(store)).toEqual(['memory:t.txt'])
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses chunk size %s', async (chunkSize) => {
    const object = await openIn(memoryStore({ 'memory:t': text }))
    await expect(object.preprocess({ chunkSize })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('works at chunk size 1', async () => {
    const object = await openIn(memoryStore({ 'memory:t': text.slice(0, 50) }))
    await object.preprocess({ chunkSize: 1 })
    expect(object.attributes.totalLines).toBe(6)
  })
})

describe('an index that does not fit', () => {
  it('is STALE_INDEX when the object was replaced, until it is preprocessed again', async () => {
    const store = memoryStore({ 'memory:t': text })
    await (await openIn(store)).preprocess()
    await store.write('memory:t', new TextEncoder().encode('other\n'))
    const object = await openIn(store)
    expect(object.isPreprocessed()).toBe(false)
    expect(() => object.attributes).toThrowError(expect.objectContaining({ code: 'STALE_INDEX' }))
    await expect(object.partition(partitionChunkLines, { linesPerChunk: 1 })).rejects.toMatchObject({
      code: 'STALE_INDEX',
    })
    await object.preprocess()
    expect(object.attributes.totalLines).toBe(1)
  })

  it('is OBJECT_CHANGED when the object was replaced after it was opened', async () => {
    const store = memoryStore({ 'memory:t': text })
    const object = await openIn(store)
    await object.preprocess()
    const [slice] = await object.partition(partitionChunkLines, { linesPerChunk: 1000 })
    await store.write('memory:t', new TextEncoder().encode('other\n'))
    await expect(slice?.get()).rejects.toMatchObject({ code: 'OBJECT_CHANGED', uri: 'memory:t' })
  })

  it('is INVALID_INDEX when it is of another format or damaged', async () => {
    const store = memoryStore({ 'memory:t': text })
    await (await openIn(store)).preprocess()
    const other = defineFormat({
      name: 'test-other',
      version: 1,
      module: 'test:other',
      read: () => ({ async *bytes() {} }),
    })
    const object = await CloudObject.open(other, 'memory:t', { store })
    expect(() => object.attributes).toThrowError(expect.objectContaining({ code: 'INVALID_INDEX' }))
    await store.write('memory:t.dataplug', new Uint8Array(5000))
    const damaged = await openIn(store)
    expect(() => damaged.attributes).toThrowError(expect.objectContaining({ code: 'INVALID_INDEX' }))
    await damaged.preprocess()
    expect(damaged.attributes.totalLines).toBe(5000)
  })
})

describe('a strategy', () => {
  it('of another format is refused, by the compiler and at run time', async () => {
    const other = defineFormat({
      name: 'test-strategy',
      version: 1,
      module: 'test:strategy',
      read: () => ({ async *bytes() {} }),
    })
    const strategy = defineStrategy(other, 'foreignStrategy', () => [])
    const object = await openIn(memoryStore({ 'memory:t': text }))
    // @ts-expect-error: a strategy for another format
    await expect(object.partition(strategy, {})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('sees the error of the store, with its code', async () => {
    const store = memoryStore({ 'memory:t': text })
    const denied: Store = {
      ...store,
      read: (uri, ...rest) => {
        if (uri.endsWith('.dataplug'))
          throw Object.assign(new Error('403'), { name: 'DataplugError', code: 'ACCESS_DENIED' })
        return store.read(uri, ...rest)
      },
    }
    const object = await openIn(denied)
    const error: unknown = await object
      .partition(partitionChunkLines, { linesPerChunk: 1 })
      .catch((error: unknown) => error)
    expect(isDataplugError(error, 'NOT_PREPROCESSED')).toBe(true)
    expect(String(error)).toContain('403')
  })
})
