import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataplugError } from '../../src/errors.js'
import type { Range } from '../../src/range.js'
import { withCoalescing } from '../../src/storage/coalescing.js'
import { withConcurrencyLimit } from '../../src/storage/limit.js'
import { memoryStore } from '../../src/storage/memory.js'
import { countRequests, type StoreEvent, withMetrics } from '../../src/storage/metrics.js'
import { withParallelParts } from '../../src/storage/parts.js'
import { type ReadableStore, readBytes, type Store } from '../../src/storage/store.js'
import { wrapStore } from '../../src/storage/wrap.js'
import { pattern, rejection, until } from './http-fake.js'

const uri = 'memory:a'
const SIZE = 100_000
const bytes = pattern(SIZE)

/** A memory store whose reads can be held, seen and broken. */
function instrumented() {
  const state = { open: 0, most: 0, hold: undefined as Promise<void> | undefined, fail: undefined as unknown }
  const counted = countRequests(memoryStore({ [uri]: bytes }))
  const inner: Store = counted.store
  const store = wrapStore(inner, {
    async *read(uri, range, options) {
      state.open++
      state.most = Math.max(state.most, state.open)
      try {
        await state.hold
        options?.signal?.throwIfAborted()
        if (state.fail) throw state.fail
        for await (const chunk of inner.read(uri, range, options)) {
          for (let at = 0; at < chunk.length; at += 1000) yield chunk.subarray(at, at + 1000)
        }
      } finally {
        state.open--
      }
    },
  })
  return { store, state, counted }
}

function gate() {
  let open = () => {}
  const closed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { closed, open }
}

describe('withParallelParts', () => {
  test('any range, part size and concurrency gives the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.nat(SIZE), fc.nat(SIZE)),
        fc.integer({ min: 1, max: SIZE }),
        fc.integer({ min: 500, max: 40_000 }),
        fc.integer({ min: 1, max: 6 }),
        async (ends, above, partSize, concurrency) => {
          const range: Range = [Math.min(...ends), Math.max(...ends)]
          const { store, state } = instrumented()
          const split = withParallelParts(store, { above, partSize, concurrency })
          const read = await readBytes(split, uri, range)
          expect(Buffer.compare(read, bytes.subarray(...range))).toBe(0)
          expect(state.most).toBeLessThanOrEqual(concurrency)
          expect(state.open).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('short reads are one request', async () => {
    const { store, counted } = instrumented()
    await readBytes(withParallelParts(store, { above: 1000, partSize: 100 }), uri, [0, 1000])
    expect(counted.requests).toBe(1)
  })

  test('all parts are of the state that the first one met', async () => {
    const { store, state } = instrumented()
    const split = withParallelParts(store, { above: 1, partSize: 10_000, concurrency: 2 })
    let read = 0
    const reading = async () => {
      for await (const chunk of split.read(uri, [0, SIZE])) {
        if (read === 0) await store.write(uri, pattern(SIZE, 7))
        read += chunk.length
      }
    }
    expect(await rejection(reading())).toMatchObject({ code: 'OBJECT_CHANGED' })
    expect(read).toBeLessThan(30_000)
    expect(state.open).toBe(0)
  })

  test('no more parts than allowed wait in memory', async () => {
    const { store, counted } = instrumented()
    const split = withParallelParts(store, { above: 1, partSize: 10_000, concurrency: 3 })
    for await (const _ of split.read(uri, [0, SIZE])) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(counted.bytesFetched).toBeLessThanOrEqual(30_000)
      break
    }
  })

  test('an error, an abort and an early end leave nothing open', async () => {
    const { store, state } = instrumented()
    const split = withParallelParts(store, { above: 1, partSize: 10_000, concurrency: 4 })
    for await (const _ of split.read(uri, [0, SIZE])) break
    expect(state.open).toBe(0)

    const controller = new AbortController()
    const aborted = async () => {
      for await (const _ of split.read(uri, [0, SIZE], { signal: controller.signal }))
        controller.abort('enough')
    }
    expect(await rejection(aborted())).toBe('enough')
    expect(state.open).toBe(0)

    const failing = async () => {
      for await (const _ of split.read(uri, [0, SIZE])) state.fail = new DataplugError('NETWORK', 'broken')
    }
    expect(await rejection(failing())).toMatchObject({ code: 'NETWORK' })
    expect(state.open).toBe(0)
  })

  test.each([{ above: 0 }, { partSize: -1 }, { concurrency: 1.5 }])('%o is refused', (config) => {
    expect(() => withParallelParts(memoryStore(), config)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })
})

describe('withCoalescing', () => {
  test('any reads at once give their own bytes, in no more requests than reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(SIZE), fc.nat(3000)), { minLength: 1, maxLength: 20 }),
        fc.nat(5000),
        fc.integer({ min: 1, max: 20_000 }),
        async (spans, gap, maxBytes) => {
          const counted = countRequests(memoryStore({ [uri]: bytes }))
          const store = withCoalescing(counted.store, { gap, maxBytes })
          const ranges = spans.map(([start, length]): Range => [start, Math.min(SIZE, start + length)])
          const reads = await Promise.all(ranges.map((range) => readBytes(store, uri, range)))
          for (const [i, range] of ranges.entries()) {
            expect(Buffer.compare(reads[i] ?? new Uint8Array(), bytes.subarray(...range))).toBe(0)
          }
          expect(counted.requests).toBeLessThanOrEqual(ranges.length)
          for (const { kind, range } of counted.events) {
            if (kind === 'request' && range)
              expect(range[1] - range[0]).toBeLessThanOrEqual(Math.max(maxBytes, 3000))
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('close ones share a request, distant ones do not', async () => {
    const counted = countRequests(memoryStore({ [uri]: bytes, 'memory:b': bytes }))
    const store = withCoalescing(counted.store, { gap: 100, maxBytes: 10_000 })
    const infos: string[] = []
    const read = (range: Range, other = uri) =>
      readBytes(store, other, range, { onInfo: (info) => infos.push(info.uri) })
    await Promise.all([
      read([0, 10]),
      read([110, 120]),
      read([50, 60]),
      read([221, 230]),
      read([0, 10], 'memory:b'),
    ])
    const asked = counted.events
      .filter(({ kind }) => kind === 'request')
      .map(({ uri, range }) => [uri, range])
    expect(asked).toEqual([
      [uri, [0, 120]],
      [uri, [221, 230]],
      ['memory:b', [0, 10]],
    ])
    expect(infos.length).toBe(5)
  })

  test('reads under different ETags are different reads', async () => {
    const { etag } = await memoryStore({ [uri]: bytes }).head(uri)
    const counted = countRequests(memoryStore({ [uri]: bytes }))
    const store = withCoalescing(counted.store)
    const right = readBytes(store, uri, [0, 10], { ifMatch: etag })
    const wrong = rejection(readBytes(store, uri, [10, 20], { ifMatch: 'x' }))
    expect(await right).toEqual(bytes.slice(0, 10))
    expect(await wrong).toMatchObject({ code: 'OBJECT_CHANGED' })
  })

  test('one caller’s abort is not another’s; when all have gone the request ends', async () => {
    const { store, state } = instrumented()
    const hold = gate()
    state.hold = hold.closed
    const joined = withCoalescing(store, { gap: 1000 })
    const [a, b] = [new AbortController(), new AbortController()]
    const first = rejection(readBytes(joined, uri, [0, 10], { signal: a.signal }))
    const second = readBytes(joined, uri, [20, 30], { signal: b.signal })
    await until(() => state.open === 1)
    a.abort('mine')
    expect(await first).toBe('mine')
    hold.open()
    expect(await second).toEqual(bytes.slice(20, 30))

    const again = gate()
    state.hold = again.closed
    const [c, d] = [new AbortController(), new AbortController()]
    const both = [c, d].map(({ signal }, i) =>
      rejection(readBytes(joined, uri, [i * 20, i * 20 + 5], { signal })),
    )
    await until(() => state.open === 1)
    c.abort('c')
    d.abort('d')
    expect(await Promise.all(both)).toEqual(['c', 'd'])
    again.open()
    await until(() => state.open === 0)
  })

  test('an error reaches every caller; a range outside the object only its own', async () => {
    const { store, state } = instrumented()
    const joined = withCoalescing(store, { gap: 10_000 })
    const good = readBytes(joined, uri, [SIZE - 10, SIZE])
    const bad = rejection(readBytes(joined, uri, [SIZE - 10, SIZE + 10]))
    expect(await good).toEqual(bytes.slice(-10))
    expect(await bad).toMatchObject({ code: 'RANGE_OUTSIDE_OBJECT' })

    state.fail = new DataplugError('NETWORK', 'broken')
    const errors = await Promise.all([0, 20].map((at) => rejection(readBytes(joined, uri, [at, at + 10]))))
    expect(errors).toEqual([state.fail, state.fail])
  })
})

describe('withConcurrencyLimit', () => {
  test('no more bodies than allowed, and all get their turn', async () => {
    const { store, state } = instrumented()
    const limited = withConcurrencyLimit(store, 3)
    const reads = await Promise.all(
      Array.from({ length: 30 }, (_, i) => readBytes(limited, uri, [i, i + 5000])),
    )
    for (const [i, read] of reads.entries()) expect(read).toEqual(bytes.slice(i, i + 5000))
    expect(state.most).toBe(3)
    expect(state.open).toBe(0)
  })

  test('a consumer may hold more bodies than there are places', async () => {
    const { store, state } = instrumented()
    const limited = withConcurrencyLimit(store, 2, 10)
    const told: number[] = []
    const bodies = Array.from({ length: 7 }, (_, i) =>
      limited.read(uri, [i, SIZE], { onInfo: () => told.push(i) })[Symbol.asyncIterator](),
    )
    const parts = bodies.map((): Uint8Array[] => [])
    // In turns, so that every body is given up and continued many times.
    for (let round = 0; round < 4; round++) {
      for (const [i, body] of bodies.entries()) {
        const { done, value } = await body.next()
        if (!done) parts[i]?.push(value.slice())
      }
    }
    for (const [i, body] of bodies.entries()) {
      for (let next = await body.next(); !next.done; next = await body.next()) parts[i]?.push(next.value)
      expect(Buffer.compare(Buffer.concat(parts[i] ?? []), bytes.subarray(i))).toBe(0)
    }
    expect(told).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(state.most).toBe(2)
    expect(state.open).toBe(0)
  })

  test('a body that was given up notices that its object changed', async () => {
    const { store } = instrumented()
    const limited = withConcurrencyLimit(store, 1, 10)
    const body = limited.read(uri, [0, SIZE])[Symbol.asyncIterator]()
    await body.next()
    await readBytes(limited, uri, [0, 10])
    await store.write(uri, pattern(SIZE, 9))
    expect(await rejection(body.next())).toMatchObject({ code: 'OBJECT_CHANGED' })
  })

  test('who waits can leave', async () => {
    const { store, state } = instrumented()
    const hold = gate()
    state.hold = hold.closed
    const limited = withConcurrencyLimit(store, 1)
    const first = readBytes(limited, uri, [0, 10])
    await until(() => state.open === 1)
    const controller = new AbortController()
    const second = rejection(readBytes(limited, uri, [0, 10], { signal: controller.signal }))
    const third = readBytes(limited, uri, [5, 10])
    controller.abort('no')
    expect(await second).toBe('no')
    hold.open()
    expect((await first).length).toBe(10)
    expect((await third).length).toBe(5)
  })

  test('a failed or abandoned body gives its place back', async () => {
    const { store, state } = instrumented()
    const limited = withConcurrencyLimit(store, 1)
    state.fail = new DataplugError('NETWORK', 'broken')
    await rejection(readBytes(limited, uri, [0, 10]))
    state.fail = undefined
    for await (const _ of limited.read(uri, [0, SIZE])) break
    expect((await readBytes(limited, uri, [0, 10])).length).toBe(10)
    expect(await rejection(limited.head('memory:none'))).toMatchObject({ code: 'NOT_FOUND' })
    expect((await limited.head(uri)).size).toBe(SIZE)
  })
})

describe('withMetrics', () => {
  test('tells request, then done or error, of every call', async () => {
    const events: StoreEvent[] = []
    const store = withMetrics(memoryStore({ [uri]: bytes }), (event) => events.push(event))
    const { etag } = await store.head(uri)
    await readBytes(store, uri, [10, 30])
    for await (const _ of store.read(uri, [0, 50])) break
    await rejection(readBytes(store, 'memory:none', [0, 1]))
    await store.write('memory:b', new Uint8Array(7))
    for await (const _ of store.list('memory:'));
    await store.remove('memory:b')
    const told = events.map(({ kind, operation, bytes, etag }) => [kind, operation, bytes, etag])
    expect(told).toEqual([
      ['request', 'head', 0, undefined],
      ['done', 'head', 0, etag],
      ['request', 'read', 0, undefined],
      ['done', 'read', 20, etag],
      ['request', 'read', 0, undefined],
      ['done', 'read', 50, etag],
      ['request', 'read', 0, undefined],
      ['error', 'read', 0, undefined],
      ['request', 'write', 0, undefined],
      ['done', 'write', 7, undefined],
      ['request', 'list', 0, undefined],
      ['done', 'list', 0, undefined],
      ['request', 'remove', 0, undefined],
      ['done', 'remove', 0, undefined],
    ])
    expect(events[3]).toMatchObject({ uri, range: [10, 30] })
    expect(events[7]?.error).toMatchObject({ code: 'NOT_FOUND' })
    expect(events.every(({ ms }) => ms >= 0)).toBe(true)
  })

  test('countRequests sums them', async () => {
    const counted = countRequests<ReadableStore>(memoryStore({ [uri]: bytes }))
    await counted.store.head(uri)
    await readBytes(counted.store, uri, [0, 100])
    await readBytes(counted.store, uri, [50, 100])
    expect(counted).toMatchObject({ requests: 3, bytesFetched: 150 })
    counted.reset()
    expect(counted).toMatchObject({ requests: 0, bytesFetched: 0 })
  })
})
