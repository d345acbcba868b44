import { concat } from '../bytes.js'
import { type ErrorCode, isDataplugError } from '../errors.js'
import type { Range } from '../range.js'
import {
  collect,
  isListable,
  isWritable,
  type ListableStore,
  type ObjectInfo,
  type ReadableStore,
  type ReadOptions,
  type WritableStore,
} from '../storage/store.js'
import { compareUtf8 } from '../storage/uri.js'
import type { ConformanceTest } from './conformance-types.js'

/** A store to be tested, empty, and a way to fill it that does not go through it. */
export interface StoreUnderTest {
  readonly store: ReadableStore
  /** URI of the object that `put` makes under this key. */
  uri(key: string): string
  /** Creates or replaces an object. Keys may hold `/`, spaces and Unicode. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Connections or files that are open just now, when that can be told. */
  open?(): number | Promise<number>
  close?(): Promise<void>
}

/**
 * What every store must do, as tests without a framework:
 *
 * ```ts
 * for (const { name, run } of storeConformance(makeStore)) test(name, run)
 * ```
 *
 * Writing and listing are tested when the store has them.
 *
 * @param makeStore is called once for each test
 */
export function storeConformance(makeStore: () => Promise<StoreUnderTest>): ConformanceTest[] {
  return TESTS.map(([name, check]) => ({
    name,
    async run() {
      const subject = await makeStore()
      try {
        await check(subject)
      } finally {
        await subject.close?.()
      }
    },
  }))
}

type Check = (subject: StoreUnderTest) => Promise<void>

// Longer than the pieces that stores read in, and no multiple of any.
const LARGE = 2 * 1024 * 1024 + 12_345

const TESTS: readonly (readonly [string, Check])[] = [
  ['head tells size and a lasting ETag', headTells],
  ['reads ranges at every position', readsRanges],
  ['reads ranges longer than its pieces', readsLarge],
  ['reads nothing for an empty range', readsNothing],
  ['refuses ranges past the end', refusesOutside],
  ['refuses what is no range', refusesNonsense],
  ['tells the state of the object once, before its bytes', tellsInfo],
  ['reads under the right ETag, and not under a wrong one', respectsIfMatch],
  ['notices a replaced object', noticesReplacement],
  ['says when there is no object', saysMissing],
  ['has empty objects', hasEmpty],
  ['has keys with spaces, signs and Unicode', hasUnicode],
  ['does nothing before the first byte is asked for', isLazy],
  ['fills scratch, or not, with the same bytes', usesScratch],
  ['releases a body that is left early', releasesEarly],
  ['does nothing under an aborted signal', abortsBefore],
  ['ends a body when its signal aborts', abortsDuring],
  ['serves many reads at once', servesConcurrently],
  ['writes whole objects, and replaces them', writes],
  ['removes, also what is not there', removes],
  ['lists in the byte order of URIs', lists],
]

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** Bytes whose every window tells its offset. */
function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (Math.imul(i + seed, 2654435761) >>> 19) ^ i
  return bytes
}

function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert(actual.length === expected.length, `${what}: ${actual.length} bytes instead of ${expected.length}`)
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] !== expected[i])
      throw new Error(`${what}: byte ${i} is ${actual[i]} instead of ${expected[i]}`)
  }
}

async function assertFails(call: Promise<unknown>, code: ErrorCode, what: string): Promise<void> {
  const outcome = await call.then(
    () => 'nothing',
    (error: unknown) => (isDataplugError(error) ? error.code : String(error)),
  )
  assert(outcome === code, `${what}: expected ${code}, got ${outcome}`)
}

/** Copies every chunk at once, because it may be a view of scratch. */
async function readAll(
  store: ReadableStore,
  uri: string,
  range: Range,
  options?: ReadOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.read(uri, range, options)) {
    assert(chunk.length > 0, 'a chunk is empty')
    assert(chunk.constructor === Uint8Array, 'a chunk is not a plain Uint8Array')
    chunks.push(chunk.slice())
  }
  return concat(chunks)
}

async function waitFor(condition: () => boolean | Promise<boolean>, message: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(message)
}

async function headTells({ store, put, uri }: StoreUnderTest) {
  await put('a.bin', pattern(1000))
  const info = await store.head(uri('a.bin'))
  assert(info.size === 1000, `size ${info.size} instead of 1000`)
  assert(info.uri === uri('a.bin'), `uri ${info.uri} instead of ${uri('a.bin')}`)
  assert(info.etag !== '', 'the ETag is empty')
  const again = await store.head(uri('a.bin'))
  assert(again.etag === info.etag, 'the ETag changed although the object did not')
}

async function readsRanges({ store, put, uri }: StoreUnderTest) {
  const bytes = pattern(257)
  await put('a.bin', bytes)
  const ranges: Range[] = [
    [0, 1],
    [0, 257],
    [0, 256],
    [1, 2],
    [1, 257],
    [100, 200],
    [127, 129],
    [255, 257],
    [256, 257],
  ]
  for (const range of ranges) {
    assertBytes(await readAll(store, uri('a.bin'), range), bytes.subarray(...range), `bytes ${range}`)
  }
}

async function readsLarge({ store, put, uri }: StoreUnderTest) {
  const bytes = pattern(LARGE)
  await put('large.bin', bytes)
  const mib = 1 << 20
  const ranges: Range[] = [
    [0, LARGE],
    [1, LARGE - 1],
    [mib - 1, mib + 1],
    [mib, 2 * mib],
    [mib - 7, 2 * mib + 7],
    [65_535, mib + 65_537],
    [LARGE - 1, LARGE],
  ]
  for (const range of ranges) {
    assertBytes(await readAll(store, uri('large.bin'), range), bytes.subarray(...range), `bytes ${range}`)
  }
}

async function readsNothing({ store, put, uri }: StoreUnderTest) {
  await put('a.bin', pattern(10))
  for (const at of [0, 5, 10]) {
    const bytes = await readAll(store, uri('a.bin'), [at, at])
    assert(bytes.length === 0, `an empty range at ${at} gave ${bytes.length} bytes`)
  }
}

async function refusesOutside({ store, put, uri }: StoreUnderTest) {
  await put('a.bin', pattern(10))
  const ranges: Range[] = [
    [0, 11],
    [9, 11],
    [10, 11],
    [5, 1_000_000],
    [1000, 2000],
    [Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER],
  ]
  for (const range of ranges) {
    await assertFails(readAll(store, uri('a.bin'), range), 'RANGE_OUTSIDE_OBJECT', `bytes ${range} of 10`)
  }
}

async function refusesNonsense({ store, put, uri }: StoreUnderTest) {
  await put('a.bin', pattern(10))
  const ranges: Range[] = [
    [5, 4],
    [-1, 4],
    [0.5, 2],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [2 ** 53, 2 ** 53 + 2],
  ]
  for (const range of ranges) {
    await assertFails(readAll(store, uri('a.bin'), range), 'INVALID_ARGUMENT', `bytes ${range}`)
  }
}

async function tellsInfo({ store, put, uri }: StoreUnderTest) {
  await put('large.bin', pattern(LARGE))
  const head = await store.head(uri('large.bin'))
  const told: ObjectInfo[] = []
  let seen = 0
  for await (const chunk of store.read(uri('large.bin'), [10, LARGE], {
    onInfo: (info) => told.push(info),
  })) {
    assert(told.length === 1, `onInfo was called ${told.length} times before a chunk`)
    seen += chunk.length
  }
  assert(seen === LARGE - 10, `${seen} bytes`)
  assert(told.length === 1, `onInfo was called ${told.length} times`)
  const [info] = told
  assert(info?.etag === head.etag, `onInfo told ETag ${info?.etag}, head ${head.etag}`)
  assert(info.size === LARGE && info.uri === head.uri, 'onInfo and head differ in size or uri')
}

async function respectsIfMatch({ store, put, uri }: StoreUnderTest) {
  const bytes = pattern(1000)
  await put('a.bin', bytes)
  const { etag } = await store.head(uri('a.bin'))
  const right = await readAll(store, uri('a.bin'), [3, 900], { ifMatch: etag })
  assertBytes(right, bytes.subarray(3, 900), 'a read under the right ETag')
  for (const wrong of ['"0123456789abcdef0123456789abcdef"', `${etag.slice(0, -1)}x"`]) {
    await assertFails(
      readAll(store, uri('a.bin'), [3, 900], { ifMatch: wrong }),
      'OBJECT_CHANGED',
      `a read under the wrong ETag ${wrong}`,
    )
  }
}

async function noticesReplacement({ store, put, uri }: StoreUnderTest) {
  await put('a.bin', pattern(1000, 1))
  const old = await store.head(uri('a.bin'))
  await put('a.bin', pattern(999, 2))
  const now = await store.head(uri('a.bin'))
  assert(now.etag !== old.etag, 'the ETag is the same although the object was replaced')
  await assertFails(
    readAll(store, uri('a.bin'), [0, 10], { ifMatch: old.etag }),
    'OBJECT_CHANGED',
    'a read under the ETag of the replaced object',
  )
  const bytes = await readAll(store, uri('a.bin'), [0, 999], { ifMatch: now.etag })
  assertBytes(bytes, pattern(999, 2), 'the new object')
}

async function saysMissing({ store, put, uri }: StoreUnderTest) {
  await put('a.bin', pattern(10))
  await assertFails(store.head(uri('missing.bin')), 'NOT_FOUND', 'head of a missing object')
  await assertFails(readAll(store, uri('missing.bin'), [0, 1]), 'NOT_FOUND', 'a read of a missing object')
}

async function hasEmpty({ store, put, uri }: StoreUnderTest) {
  await put('empty.bin', new Uint8Array(0))
  const info = await store.head(uri('empty.bin'))
  assert(info.size === 0, `the empty object has size ${info.size}`)
  assert(info.etag !== '', 'the empty object has no ETag')
  assert((await readAll(store, uri('empty.bin'), [0, 0])).length === 0, 'an empty object gave bytes')
  await assertFails(
    readAll(store, uri('empty.bin'), [0, 1]),
    'RANGE_OUTSIDE_OBJECT',
    'a byte of an empty object',
  )
}

const KEYS = [
  'with space.txt',
  'ünï/cödé/日本語.txt',
  '😀.bin',
  "a+b&c=d;e,f@g(h)'i!.txt",
  '100%25.txt',
  'q?x=1#frag',
]

async function hasUnicode({ store, put, uri }: StoreUnderTest) {
  for (const [i, key] of KEYS.entries()) {
    const bytes = pattern(100 + i)
    await put(key, bytes)
    const info = await store.head(uri(key))
    assert(info.size === bytes.length, `${key}: size ${info.size} instead of ${bytes.length}`)
    assertBytes(await readAll(store, uri(key), [1, bytes.length]), bytes.subarray(1), key)
  }
}

async function isLazy({ store, put, uri }: StoreUnderTest) {
  // Were anything asked for now, it would be missing.
  const stream = store.read(uri('late.bin'), [0, 10])
  await new Promise((resolve) => setTimeout(resolve, 20))
  await put('late.bin', pattern(10))
  assertBytes(await collect(stream, 10), pattern(10), 'a read begun before there was an object')
}

async function usesScratch({ store, put, uri }: StoreUnderTest) {
  const bytes = pattern(LARGE)
  await put('large.bin', bytes)
  for (const length of [0, 1000, 1 << 20, 3 << 20]) {
    const scratch = new Uint8Array(length)
    const read = await readAll(store, uri('large.bin'), [5, LARGE - 5], { scratch })
    assertBytes(read, bytes.subarray(5, LARGE - 5), `a read with ${length} bytes of scratch`)
  }
}

async function assertNoneOpen({ open }: StoreUnderTest, before: number, what: string): Promise<void> {
  if (open)
    await waitFor(async () => (await open()) <= before, `connections or files are still open after ${what}`)
}

async function releasesEarly(subject: StoreUnderTest) {
  const { store, put, uri } = subject
  await put('large.bin', pattern(LARGE))
  const before = (await subject.open?.()) ?? 0
  for (let i = 0; i < 20; i++) {
    for await (const chunk of store.read(uri('large.bin'), [0, LARGE])) {
      assert(chunk.length > 0, 'a chunk is empty')
      break
    }
  }
  await assertNoneOpen(subject, before, 'bodies were left early')
  assertBytes(
    await readAll(store, uri('large.bin'), [7, 9]),
    pattern(LARGE).subarray(7, 9),
    'a read afterwards',
  )
}

async function abortsBefore(subject: StoreUnderTest) {
  const { store, put, uri } = subject
  await put('a.bin', pattern(10))
  const reason = new Error('stopped by the test')
  const signal = AbortSignal.abort(reason)
  const calls: Promise<unknown>[] = [
    store.head(uri('a.bin'), { signal }),
    readAll(store, uri('a.bin'), [0, 10], { signal }),
  ]
  if (isWritable(store)) {
    calls.push(store.write(uri('b.bin'), pattern(1), { signal }), store.remove(uri('a.bin'), { signal }))
  }
  for (const result of await Promise.allSettled(calls)) {
    assert(
      result.status === 'rejected' && result.reason === reason,
      'a call under an aborted signal was not refused',
    )
  }
  assert((await store.head(uri('a.bin'))).size === 10, 'an aborted call had an effect')
}

async function abortsDuring(subject: StoreUnderTest) {
  const { store, put, uri } = subject
  await put('large.bin', pattern(LARGE))
  const before = (await subject.open?.()) ?? 0
  for (const after of [1, 2]) {
    const controller = new AbortController()
    const reason = new Error('stopped by the test')
    let chunks = 0
    let seen = 0
    try {
      for await (const chunk of store.read(uri('large.bin'), [0, LARGE], { signal: controller.signal })) {
        assert(!controller.signal.aborted, 'a chunk was delivered after its signal aborted')
        seen += chunk.length
        if (++chunks === after) controller.abort(reason)
      }
      assert(seen === LARGE, 'a body whose signal aborted ended without an error')
    } catch (error) {
      if (error !== reason) throw error
    }
  }
  await assertNoneOpen(subject, before, 'bodies were aborted')
}

async function servesConcurrently({ store, put, uri }: StoreUnderTest) {
  const bytes = pattern(LARGE)
  await put('large.bin', bytes)
  const ranges = Array.from({ length: 40 }, (_, i): Range => [i * 40_001, i * 40_001 + 30_000 + i * 500])
  const all = await Promise.all(ranges.map((range) => readAll(store, uri('large.bin'), range)))
  for (const [i, range] of ranges.entries()) {
    assertBytes(all[i] ?? new Uint8Array(), bytes.subarray(...range), `bytes ${range}, with others`)
  }
}

async function writes({ store, uri }: StoreUnderTest) {
  if (!isWritable(store)) return
  const target: ReadableStore & WritableStore = store
  for (const key of ['new/deep/a.bin', ...KEYS]) {
    for (const length of [100, 0, 300]) {
      const bytes = pattern(length, length)
      await target.write(uri(key), bytes)
      assert((await target.head(uri(key))).size === length, `${key} has another size than was written`)
      assertBytes(await readAll(target, uri(key), [0, length]), bytes, key)
    }
  }
  const bytes = pattern(LARGE)
  const kept = bytes.slice()
  await target.write(uri('new/large.bin'), bytes)
  bytes.fill(0)
  assertBytes(await readAll(target, uri('new/large.bin'), [0, LARGE]), kept, 'a written object')
}

async function removes({ store, uri }: StoreUnderTest) {
  if (!isWritable(store)) return
  const target: ReadableStore & WritableStore = store
  await target.write(uri('gone/a.bin'), pattern(10))
  await target.remove(uri('gone/a.bin'))
  await assertFails(target.head(uri('gone/a.bin')), 'NOT_FOUND', 'head of a removed object')
  await target.remove(uri('gone/a.bin'))
  await target.remove(uri('never/there.bin'))
}

async function lists({ store, put, uri }: StoreUnderTest) {
  if (!isListable(store)) return
  const target: ReadableStore & ListableStore = store
  const keys = ['l/a', 'l/a.txt', 'l/a/b', 'l/a/ü', 'l/b c', 'l/z/1', 'l/z/10', 'l/z/2', 'lx']
  for (const [i, key] of [...keys].reverse().entries()) {
    // A file system cannot have both `a` and `a/b`.
    if (key !== 'l/a') await put(key, pattern(i + 1))
  }
  const present = keys.filter((key) => key !== 'l/a')
  const listed = async (prefix: string) => {
    const infos: ObjectInfo[] = []
    for await (const info of target.list(prefix)) infos.push(info)
    return infos
  }
  const folder = uri('l/x').slice(0, -1)
  const expectations: readonly (readonly [string, readonly string[]])[] = [
    [folder, present.filter((key) => key.startsWith('l/'))],
    [uri('l/z'), ['l/z/1', 'l/z/10', 'l/z/2']],
    [uri('l/z/1'), ['l/z/1', 'l/z/10']],
    [uri('l/nothing'), []],
    [uri('no/such/folder'), []],
  ]
  for (const [prefix, expected] of expectations) {
    const found = (await listed(prefix)).map((info) => info.uri)
    const wanted = expected.map(uri).sort(compareUtf8)
    assert(
      JSON.stringify(found) === JSON.stringify(wanted),
      `list of ${prefix}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`,
    )
  }
  for (const info of await listed(folder)) {
    const head = await target.head(info.uri)
    assert(info.etag === head.etag && info.size === head.size, `list and head differ for ${info.uri}`)
  }
}
