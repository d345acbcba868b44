import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'vitest'
import { blobStore } from '../../src/storage/blob.js'
import { withCoalescing } from '../../src/storage/coalescing.js'
import { fileStore } from '../../src/storage/file.js'
import { httpStore } from '../../src/storage/http.js'
import { openStorage } from '../../src/storage/index.js'
import { withConcurrencyLimit } from '../../src/storage/limit.js'
import { memoryStore } from '../../src/storage/memory.js'
import { withMetrics } from '../../src/storage/metrics.js'
import { withParallelParts } from '../../src/storage/parts.js'
import { withRetry } from '../../src/storage/retry.js'
import type { ReadableStore, Store } from '../../src/storage/store.js'
import { fileUri } from '../../src/storage/uri.js'
import { type StoreUnderTest, storeConformance } from '../../src/testing/store-conformance.js'
import { fakeObject, startFake } from './http-fake.js'

function memory(wrap: (store: Store) => Store = (store) => store): () => Promise<StoreUnderTest> {
  return async () => {
    const inner = memoryStore()
    return {
      store: wrap(inner),
      uri: (key) => `memory:${key}`,
      put: (key, bytes) => inner.write(`memory:${key}`, bytes),
    }
  }
}

async function blob(): Promise<StoreUnderTest> {
  const stores = new Map<string, ReadableStore>()
  const find = (uri: string) => stores.get(uri) ?? blobStore(new Blob([]), 'another')
  return {
    store: {
      head: (uri, options) => find(uri).head(uri, options),
      async *read(uri, range, options) {
        yield* find(uri).read(uri, range, options)
      },
    },
    uri: (key) => `blob:${key}`,
    async put(key, bytes) {
      stores.set(`blob:${key}`, blobStore(new Blob([bytes.slice()]), key))
    },
  }
}

function file(open: (root: string) => Store & Partial<AsyncDisposable>): () => Promise<StoreUnderTest> {
  return async () => {
    const root = await mkdtemp(join(tmpdir(), 'dataplug-store-'))
    return {
      store: open(root),
      uri: (key) => fileUri(join(root, key)),
      async put(key, bytes) {
        const path = join(root, key)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, bytes)
      },
      async open() {
        const names = await readdir('/proc/self/fd').catch(() => [])
        return names.length
      },
      close: () => rm(root, { recursive: true }),
    }
  }
}

/** openStorage has every method, and refuses to write to HTTP. */
function readable(store: ReadableStore & AsyncDisposable): ReadableStore & AsyncDisposable {
  return {
    head: (uri, options) => store.head(uri, options),
    read: (uri, range, options) => store.read(uri, range, options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

function http(open: () => ReadableStore & Partial<AsyncDisposable>): () => Promise<StoreUnderTest> {
  return async () => {
    const fake = await startFake()
    const store = open()
    return {
      store,
      uri: (key) => `${fake.origin}/${encodeURIComponent(key)}`,
      async put(key, bytes) {
        fake.objects.set(key, fakeObject(bytes))
      },
      open: () => fake.busy(),
      async close() {
        await store[Symbol.asyncDispose]?.()
        await fake.close()
      },
    }
  }
}

const kinds: Record<string, () => Promise<StoreUnderTest>> = {
  memory: memory(),
  blob,
  file: file(() => fileStore()),
  'file below a root': file((root) => fileStore({ root })),
  http: http(() => httpStore()),
  'http without If-Match': http(() => httpStore({ ifMatch: false })),
  'openStorage of http': http(() =>
    readable(openStorage({ split: { above: 1_000_000, partSize: 300_000 } })),
  ),
  'openStorage of files': file((root) => openStorage({ file: { root } })),
  withRetry: memory(withRetry),
  withMetrics: memory((store) => withMetrics(store, () => {})),
  withConcurrencyLimit: memory((store) => withConcurrencyLimit(store, 3)),
  withCoalescing: memory((store) => withCoalescing(store, { gap: 100, maxBytes: 50_000 })),
  withParallelParts: memory((store) =>
    withParallelParts(store, { above: 1000, partSize: 333_333, concurrency: 3 }),
  ),
}

for (const [kind, makeStore] of Object.entries(kinds)) {
  describe(`${kind} store`, () => {
    for (const { name, run } of storeConformance(makeStore)) test(name, run)
  })
}
