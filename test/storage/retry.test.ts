import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataplugError, type ErrorCode, isDataplugError } from '../../src/errors.js'
import type { Range } from '../../src/range.js'
import { objectChanged } from '../../src/storage/answer.js'
import { memoryStore } from '../../src/storage/memory.js'
import { withRetry } from '../../src/storage/retry.js'
import {
  collect,
  type ObjectInfo,
  type ReadableStore,
  readBytes,
  type Store,
} from '../../src/storage/store.js'
import { all, pattern, rejection } from './http-fake.js'

const uri = 'memory:a'
const instant = { baseDelayMs: 0 }

/** What happens to one request of a store. */
type Event =
  | { readonly kind: 'fine' }
  /** Fails with `code` after so many bytes. */
  | { readonly kind: 'breaks'; readonly after: number; readonly code: ErrorCode }
  /** Ends after so many bytes, as if that were all. */
  | { readonly kind: 'ends'; readonly after: number }
  /** Another object lies there from now on. */
  | { readonly kind: 'replaced' }
  /** As `replaced`, and this store ignores `ifMatch` this once. */
  | { readonly kind: 'replaced unseen' }

/** A store with one object, whose n-th request meets the n-th event; all further ones are fine. */
function faulty(states: readonly Uint8Array[], events: readonly Event[], chunkSize: number) {
  let state = 0
  let requests = 0
  const store: ReadableStore = {
    head: async () => ({ uri, size: states[state]?.length ?? 0, etag: `v${state}` }),
    async *read(_, [start, end], { ifMatch, onInfo } = {}) {
      const event = events[requests++] ?? { kind: 'fine' }
      if (event.kind.startsWith('replaced')) state = Math.min(state + 1, states.length - 1)
      const bytes = states[state] ?? new Uint8Array()
      if (event.kind !== 'replaced unseen' && ifMatch !== undefined && ifMatch !== `v${state}`) {
        throw objectChanged(uri, ifMatch)
      }
      onInfo?.({ uri, size: bytes.length, etag: `v${state}` })
      const stop = 'after' in event ? Math.min(end, start + event.after) : end
      for (let at = start; at < stop; at += chunkSize)
        yield bytes.subarray(at, Math.min(at + chunkSize, stop))
      if (event.kind === 'breaks')
        throw new DataplugError(event.code, 'broken on purpose', { uri, offset: stop })
    },
  }
  return { store, requests: () => requests }
}

const SIZE = 500
const transient = [
  'NETWORK',
  'TIMEOUT',
  'THROTTLED',
  'SERVER_ERROR',
  'SHORT_BODY',
  'CHECKSUM_MISMATCH',
] as const
const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ kind: 'fine' } as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('breaks' as const),
      after: fc.nat(SIZE),
      code: fc.constantFrom(...transient, 'NOT_FOUND' as const, 'ACCESS_DENIED' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ends' as const), after: fc.nat(SIZE) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: 'replaced' } as const, { kind: 'replaced unseen' } as const),
  },
)

test('a read gives exactly the bytes of one state, or throws; never others', async () => {
  const states = [1, 2, 3].map((seed) => pattern(SIZE, seed * 1000))
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(fc.nat(SIZE), fc.nat(SIZE)),
      fc.array(events, { maxLength: 12 }),
      fc.integer({ min: 1, max: 200 }),
      fc.option(fc.constant('v0'), { nil: undefined }),
      async (ends, schedule, chunkSize, ifMatch) => {
        const range: Range = [Math.min(...ends), Math.max(...ends)]
        const { store, requests } = faulty(states, schedule, chunkSize)
        const told: ObjectInfo[] = []
        const chunks: Uint8Array[] = []
        let error: unknown
        try {
          const retrying = withRetry(store, { ...instant, attempts: 4 })
          for await (const chunk of retrying.read(uri, range, {
            ifMatch,
            onInfo: (info) => told.push(info),
          })) {
            chunks.push(chunk)
          }
        } catch (caught) {
          error = caught
          expect(isDataplugError(caught)).toBe(true)
        }
        const read = Buffer.concat(chunks)
        expect(told.length).toBeLessThanOrEqual(1)
        const state = states[Number(told[0]?.etag.slice(1) ?? 0)] ?? new Uint8Array()
        // What was delivered before an error was right, too.
        expect(read.equals(state.subarray(range[0], range[0] + read.length))).toBe(true)
        if (error === undefined) expect(read.length).toBe(range[1] - range[0])
        expect(requests()).toBeLessThanOrEqual(5)
      },
    ),
    { numRuns: 2000 },
  )
})

test('passing faults alone never fail a read, when there are fewer of them than attempts', async () => {
  const state = pattern(SIZE)
  const passing = fc.record({
    kind: fc.constant('breaks' as const),
    after: fc.nat(SIZE),
    code: fc.constantFrom(
      'NETWORK' as const,
      'TIMEOUT' as const,
      'THROTTLED' as const,
      'SERVER_ERROR' as const,
    ),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(passing, { maxLength: 4 }), fc.nat(SIZE), async (schedule, start) => {
      const { store } = faulty([state], schedule, 64)
      const read = await readBytes(withRetry(store, { ...instant, attempts: 5 }), uri, [start, SIZE])
      expect(Buffer.compare(read, state.subarray(start))).toBe(0)
    }),
  )
})

describe('attempts', () => {
  test('count anew after 64 KiB of progress, and only then', async () => {
    const big = pattern(10 * 65_536)
    for (const [step, code] of [
      [65_536, undefined],
      [65_535, 'NETWORK'],
      [1, 'NETWORK'],
    ] as const) {
      const schedule = Array.from(
        { length: 100 },
        (): Event => ({ kind: 'breaks', after: step, code: 'NETWORK' }),
      )
      const { store, requests } = faulty([big], schedule, 65_536)
      const error = await rejection(
        readBytes(withRetry(store, { ...instant, attempts: 2 }), uri, [0, big.length]),
      )
      expect((error as { code?: unknown } | undefined)?.code).toBe(code)
      expect(requests()).toBe(code === undefined ? 10 : step === 1 ? 2 : 3)
    }
  })

  test('an error after the last byte is none', async () => {
    const { store, requests } = faulty(
      [pattern(SIZE)],
      [{ kind: 'breaks', after: SIZE, code: 'NETWORK' }],
      100,
    )
    expect((await readBytes(withRetry(store, instant), uri, [0, SIZE])).length).toBe(SIZE)
    expect(requests()).toBe(1)
  })

  test.each([0, -1, 1.5, Number.NaN])('%s is refused', (attempts) => {
    expect(() => withRetry(memoryStore(), { attempts })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })

  test('of one change nothing, not even the message', async () => {
    const { store } = faulty([pattern(SIZE)], [{ kind: 'breaks', after: 0, code: 'THROTTLED' }], 100)
    const once = withRetry(store, { attempts: 1 })
    expect(await rejection(readBytes(once, uri, [0, 1]))).toMatchObject({ message: 'broken on purpose' })
  })
})

test('a store that does not tell its ETag is not resumed', async () => {
  const bytes = pattern(SIZE)
  let requests = 0
  const store: ReadableStore = {
    head: async () => ({ uri, size: SIZE, etag: 'v' }),
    async *read(_, [start]) {
      requests++
      yield bytes.subarray(start, start + 10)
      throw new DataplugError('NETWORK', 'broken')
    },
  }
  expect(await rejection(readBytes(withRetry(store, instant), uri, [0, SIZE]))).toMatchObject({
    code: 'NETWORK',
  })
  expect(requests).toBe(1)
})

test('nothing that did not come from a store is repeated', async () => {
  let calls = 0
  const reason = new Error('stale')
  const onInfo = () => {
    calls++
    throw reason
  }
  const store = withRetry(memoryStore({ [uri]: 'abc' }), instant)
  expect(await rejection(readBytes(store, uri, [0, 3], { onInfo }))).toBe(reason)
  expect(calls).toBe(1)
})

test('an abort ends the wait for the next attempt', async () => {
  const { store } = faulty([pattern(SIZE)], [{ kind: 'breaks', after: 0, code: 'THROTTLED' }], 100)
  const controller = new AbortController()
  const slow = withRetry(store, { baseDelayMs: 1e9, maxDelayMs: 1e9 })
  const reading = rejection(readBytes(slow, uri, [0, 1], { signal: controller.signal }))
  setTimeout(() => controller.abort('enough'), 5)
  expect(await reading).toBe('enough')
})

test('head, write, remove and list are repeated; a listing goes on where it was', async () => {
  const inner = memoryStore({ 'memory:1': 'a', 'memory:2': 'b', 'memory:3': 'c' })
  const failed = new Set<string>()
  const once = <T>(name: string, then: () => T): T => {
    if (failed.has(name)) return then()
    failed.add(name)
    throw new DataplugError('SERVER_ERROR', 'broken')
  }
  const flaky: Store = {
    ...inner,
    head: async (uri) => once('head', () => inner.head(uri)),
    write: async (uri, bytes) => once('write', () => inner.write(uri, bytes)),
    remove: async (uri) => once('remove', () => inner.remove(uri)),
    async *list(prefix) {
      for await (const info of inner.list(prefix)) {
        yield info
        once(info.uri, () => {})
      }
    },
  }
  const store = withRetry(flaky, { ...instant, attempts: 2 })
  expect((await store.head('memory:1')).size).toBe(1)
  await store.write('memory:4', new Uint8Array(2))
  expect((await all(store.list('memory:'))).map(({ uri }) => uri)).toEqual(
    [1, 2, 3, 4].map((n) => `memory:${n}`),
  )
  await store.remove('memory:4')
  expect((await all(store.list('memory:4'))).length).toBe(0)
})

test('wrapping adds no methods, and keeps those of classes', async () => {
  class Custom implements ReadableStore {
    #bytes = pattern(10)
    closed = false
    async head(uri: string) {
      return { uri, size: this.#bytes.length, etag: 'x' }
    }
    async *read(_: string, [start, end]: Range) {
      yield this.#bytes.subarray(start, end)
    }
    async [Symbol.asyncDispose]() {
      this.closed = true
    }
  }
  const custom = new Custom()
  const wrapped = withRetry(custom)
  expect('write' in wrapped || 'list' in wrapped).toBe(false)
  expect((await wrapped.head(uri)).size).toBe(10)
  expect(await collect(wrapped.read(uri, [2, 4]), 2)).toEqual(pattern(10).subarray(2, 4))
  await wrapped[Symbol.asyncDispose]()
  expect(custom.closed).toBe(true)
})
