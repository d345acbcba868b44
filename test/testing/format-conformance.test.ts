import { describe, expect, it } from 'vitest'
import { UTF8Text } from '../../src/formats/text.js'
import { formatConformance } from '../../src/testing/format-conformance.js'
import { build, checkRange, merge, type Pieces, plan, read, records, scan } from './broken-formats.js'

const objects = [
  { name: 'short', bytes: new TextEncoder().encode('one;two;;three;four;five;six') },
  { name: 'long', bytes: new TextEncoder().encode('lorem;ipsum dolor;sit;'.repeat(40)) },
]
const budget = { requestsPerSlice: 1, overheadBytes: 0 }
const params = [1, 2, 7, 1000].map((perSlice) => ({ perSlice }))

/** The checks of a format by their names, on the short object. */
function checksOf(name: string, pieces: Partial<Pieces>, of = objects.slice(0, 1)) {
  const { format, strategy } = build(name, pieces)
  const strategies = [{ strategy, params }]
  const tests = formatConformance(format, { objects: of, strategies, budget, threads: false })
  return new Map(tests.map(({ name, run }) => [name.replace(/^short: /, ''), run]))
}

let remembered: number[] = []
let clock = 0
const cache = new Map<string, Promise<Uint8Array>>()
const attributesSeen = new Map<string, { records: number }>()
const secretRanges = new WeakMap<object, [number, number]>()

const CHUNKING = 'any chunking gives the same index'
const ONCE = 'preprocessing reads each chunk once'
const RESUME = 'resumed preprocessing gives the same index'
const ABORT = 'aborted preprocessing releases its streams'
const PURE = 'strategies are pure, and a stale index is refused'
const TILE = 'slices tile the object exactly'
const RECORDS = 'any cut gives the same records'
const PLAIN = 'slices are plain JSON without credentials'
const REVIVE = 'revived slices equal the original'
const BUDGET = 'slices are lazy and stay within budget'
const RELEASE = 'readers that leave or abort release their streams'
const REPLACED = 'slices of a replaced object are refused'
const FORGED = 'forged slices are refused'
const EMPTY = 'an empty object is empty slices, or MALFORMED_DATA'

const broken: readonly (readonly [what: string, check: string, message: RegExp, pieces: Partial<Pieces>])[] =
  [
    [
      'loses the tail',
      TILE,
      /the slices end at byte \d+, but the object has 28: "three;.*" is in no slice/,
      { plan: async (...args) => (await plan(...args)).filter((_, i, all) => i < 3 || i < all.length - 4) },
    ],
    [
      'doubles a byte at cuts',
      TILE,
      /slice 0 of \d+ delivers 5 bytes, but its extent \[0, 4\) has 4/,
      {
        read: (data, context) => {
          const [start, end] = checkRange(data, context)
          const bytes = () => context.main.read([start, Math.min(end + 1, context.main.size)])
          return { ...read(data, context), bytes }
        },
      },
    ],
    [
      'overlaps its slices',
      TILE,
      /slice 1 of \d+ starts at byte 3, but the slices before it end at 4: bytes 3-4 are in two slices/,
      {
        plan: async (...args) =>
          (await plan(...args)).map(({ range: [start, end] }) => ({ range: [Math.max(start - 1, 0), end] })),
      },
    ],
    [
      'delivers other bytes than the object has',
      TILE,
      /delivers ".*" where the object has ".*" \(byte 0\)/,
      {
        read: (data, context) => ({
          ...read(data, context),
          async *bytes() {
            for await (const piece of read(data, context).bytes()) yield piece.map((byte) => byte ^ 0x20)
          },
        }),
      },
    ],
    [
      'lets the index depend on the number of chunks',
      CHUNKING,
      /chunkSize 1 gives another index: attribute "records" is \d+ instead of 7/,
      { merge: (parts) => ({ ...merge(parts), attributes: { records: parts.length + 6 } }) },
    ],
    [
      'takes the start of a chunk for the start of a record',
      CHUNKING,
      /chunkSize 1 gives another index: .*section "ends"|chunkSize 1 gives another index: attribute/,
      {
        scan: async (chunk) => {
          const { ends, last } = (await scan(chunk)) as { ends: number[]; last: number }
          return { ends: [...new Set([...ends, last])], last }
        },
      },
    ],
    [
      'expects a chunk in one piece',
      CHUNKING,
      /a stream in pieces of 1 gives another index/,
      {
        scan: (chunk) =>
          scan({
            ...chunk,
            async *stream() {
              for await (const piece of chunk.stream()) {
                yield piece
                return
              }
            },
          }),
      },
    ],
    [
      'keeps pieces that are only lent',
      CHUNKING,
      /a stream in pieces of \d+ gives another index/,
      {
        scan: async (chunk) => {
          const kept: Uint8Array[] = []
          for await (const piece of chunk.stream()) kept.push(piece)
          return scan({ ...chunk, stream: () => streamOf(kept) })
        },
      },
    ],
    [
      'puts the time into the index',
      CHUNKING,
      /preprocessing again gives another index/,
      { merge: (parts) => ({ ...merge(parts), attributes: { records: ++clock } }) },
    ],
    [
      'remembers what earlier chunks held',
      RESUME,
      /gives another index/,
      {
        scan: async (chunk) => {
          if (chunk.range[0] === 0) remembered = []
          const { ends, last } = (await scan(chunk)) as { ends: number[]; last: number }
          remembered.push(...ends)
          return { ends, last, count: remembered.length }
        },
        merge: (parts) => {
          const { length } = remembered
          remembered = []
          return { ...merge(parts), attributes: { records: length } }
        },
      },
    ],
    [
      'reads a chunk twice',
      ONCE,
      /task 0 made 2 requests for \d+ bytes beyond its chunk/,
      { scan: async (chunk) => (await scan(chunk)) && scan(chunk) },
    ],
    [
      'reads the whole object in each task',
      ONCE,
      /task 0 made 1 requests for \d+ bytes beyond its chunk; the budget is 1 and 0/,
      {
        scan: (chunk) => {
          const [start, end] = chunk.range
          return scan({
            ...chunk,
            async *stream() {
              yield (await chunk.source.bytes([0, chunk.source.size])).subarray(start, end)
            },
          })
        },
      },
    ],
    [
      'leaves the stream of a chunk open',
      ABORT,
      /preprocessing left 1 streams open/,
      {
        scan: async (chunk) => {
          if (chunk.source.size > 0) await chunk.source.read(chunk.range)[Symbol.asyncIterator]().next()
          return scan(chunk)
        },
      },
    ],
    [
      'plans by chance',
      PURE,
      /partitioning twice gives different slices/,
      { plan: async (...args) => (await plan(...args)).map((data) => ({ ...data, nonce: ++clock })) },
    ],
    [
      'hides that there is no index',
      PURE,
      /without an index gives TypeError: no index/,
      {
        plan: (...args) =>
          plan(...args).catch(() => {
            throw new TypeError('no index')
          }),
      },
    ],
    [
      'remembers an index that is stale now',
      PURE,
      /with the index of an older object gives slices instead of STALE_INDEX/,
      {
        plan: async (index, { perSlice }) => {
          const attributes = attributesSeen.get(index.uri) ?? index.attributes
          attributesSeen.set(index.uri, attributes)
          return Array.from({ length: attributes.records / perSlice }, (_, i) => ({ range: [i, i + 1] }))
        },
      },
    ],
    [
      'cuts records',
      RECORDS,
      /gives \d+ records and partitionRecords\(\{"perSlice":1\}\) \d+; number 0 is "on" instead of/,
      {
        plan: async ({ size, attributes: _ }, { perSlice }) =>
          Array.from({ length: Math.ceil(size / (perSlice + 0)) }, (_, i) => ({
            range: [i * perSlice, Math.min((i + 1) * perSlice, size)],
          })),
      },
    ],
    [
      'puts bytes into slice data',
      PLAIN,
      /holds a Uint8Array at data.window, which JSON does not keep/,
      {
        plan: async (...args) =>
          (await plan(...args)).map((data) => ({ ...data, window: new Uint8Array(3) })),
      },
    ],
    [
      'puts NaN into slice data',
      PLAIN,
      /holds NaN at data.list\[1\]/,
      { plan: async (...args) => (await plan(...args)).map((data) => ({ ...data, list: [0, Number.NaN] })) },
    ],
    [
      'puts a credential into slice data',
      PLAIN,
      /carries a credential/,
      {
        plan: async (...args) =>
          (await plan(...args)).map((data) => ({ ...data, auth: { secretAccessKey: 'x' } })),
      },
    ],
    [
      'puts a table into slice data',
      PLAIN,
      /takes \d+ bytes as a JSON line; the budget is 4096/,
      {
        plan: async (...args) =>
          (await plan(...args)).map((data) => ({ ...data, table: new Array(3000).fill(1) })),
      },
    ],
    [
      'keeps what a slice needs in the module',
      REVIVE,
      /(reads other bytes|unexpected INVALID_SLICE)/,
      {
        plan: async (...args) =>
          (await plan(...args)).map(({ range }) => {
            const data = { id: 1 }
            secretRanges.set(data, range as [number, number])
            return data
          }),
        read: (data, context) => read({ range: secretRanges.get(data) }, context),
      },
    ],
    [
      'gives another value when revived',
      REVIVE,
      /revived gives "revived" instead of "original"/,
      {
        plan: async (...args) =>
          (await plan(...args)).map((data) => {
            secretRanges.set(data, [0, 0])
            return data
          }),
        read: (data, context) => ({
          ...read(data, context),
          value: async () => (secretRanges.has(data) ? 'original' : 'revived'),
        }),
      },
    ],
    [
      'reads a slice twice',
      BUDGET,
      /slice 0 of \d+ made 2 requests and asked for 4 bytes beyond the 4 it delivers; the budget is 1 and 0/,
      {
        read: (data, context) => ({
          ...read(data, context),
          async *bytes() {
            await context.main.bytes(data.range)
            yield* read(data, context).bytes()
          },
        }),
      },
    ],
    [
      'asks for more bytes than it delivers',
      BUDGET,
      /made 1 requests and asked for 24 bytes beyond the 4 it delivers/,
      {
        read: (data, context) => ({
          ...read(data, context),
          async *bytes() {
            const [start, end] = data.range
            yield (await context.main.bytes([0, context.main.size])).slice(start, end)
          },
        }),
      },
    ],
    [
      'reads before it is asked to',
      BUDGET,
      /reads before its bytes are asked for/,
      {
        read: (data, context) => {
          const all = context.main.bytes(checkRange(data, context))
          all.catch(() => {})
          return { ...read(data, context), bytes: () => streamOf(all.then((bytes) => [bytes])) }
        },
      },
    ],
    [
      'leaves its stream open',
      RELEASE,
      /leaving the loop over chunks\(\) left 1 streams open/,
      {
        read: (data, context) => ({
          ...read(data, context),
          async *bytes() {
            const iterator = read(data, context).bytes()[Symbol.asyncIterator]()
            for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
          },
        }),
      },
    ],
    [
      'leaves the stream of its records open',
      RELEASE,
      /leaving the loop over records\(\) left 1 streams open/,
      {
        read: (data, context) => ({
          ...read(data, context),
          async *records() {
            const iterator = read(data, context).bytes()[Symbol.asyncIterator]()
            yield* records({
              [Symbol.asyncIterator]: () => ({ next: (...args) => iterator.next(...args) }),
            })
          },
        }),
      },
    ],
    [
      'takes an abort for the end',
      RELEASE,
      /ended after 3 of \d+ bytes as if that were all/,
      {
        read: (data, context) => ({
          ...read(data, context),
          async *bytes() {
            try {
              yield* read(data, context).bytes()
            } catch {}
          },
        }),
      },
    ],
    [
      'keeps bytes in the module',
      REPLACED,
      /slice 0 of \d+ of an object that was replaced gives 4 bytes instead of OBJECT_CHANGED/,
      {
        read: (data, context) => {
          const range = checkRange(data, context)
          const key = `${context.main.uri} ${context.main.etag} ${range}`
          const bytes = () => {
            const kept = cache.get(key) ?? context.main.bytes(range)
            kept.catch(() => cache.delete(key))
            cache.set(key, kept)
            return kept
          }
          const bytesNow = () => streamOf(async () => [await bytes()])
          return { ...read(data, context), bytes: bytesNow, records: () => records(bytesNow()) }
        },
      },
    ],
    [
      'believes its slice data',
      FORGED,
      /the slice data \{\} give TypeError: .* instead of INVALID_SLICE/,
      {
        read: ({ range }, { main }) => ({
          bytes: () => main.read([range[0], range[1]]),
          extent: async () => range,
        }),
      },
    ],
    [
      'checks types but no bounds',
      FORGED,
      /the slice data .* give RANGE_OUTSIDE_OBJECT .* instead of INVALID_SLICE/,
      {
        read: (data, context) => {
          checkRange(data, { ...context, main: { ...context.main, size: Number.MAX_SAFE_INTEGER } })
          return { bytes: () => context.main.read(data.range), extent: async () => data.range }
        },
      },
    ],
    [
      'expects at least one record',
      EMPTY,
      /unexpected TypeError: .*undefined/,
      {
        merge: (parts) => {
          const { ends } = parts[0] as { ends: number[] }
          return ends.length >= 0 ? merge(parts) : merge([])
        },
      },
    ],
  ]

async function* streamOf(
  pieces: readonly Uint8Array[] | Promise<readonly Uint8Array[]> | (() => Promise<readonly Uint8Array[]>),
): AsyncGenerator<Uint8Array> {
  yield* await (typeof pieces === 'function' ? pieces() : pieces)
}

describe('formatConformance', () => {
  for (const [name, run] of checksOf('sound', {}, objects)) it(`passes a sound format: ${name}`, run)

  for (const [i, [what, check, message, pieces]] of broken.entries()) {
    it(`catches a format that ${what}`, async () => {
      const run = checksOf(`broken-${i}`, pieces).get(check)
      const error = await run?.().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(Error)
      const { message: text } = error as Error
      expect(text).toMatch(message)
      // It names the format and ends with what to do.
      expect(text).toMatch(/^format broken-\d+.*\. \S.{10}/s)
    })
  }

  it('is shown a broken format for every check', () => {
    expect(new Set(broken.map(([, check]) => check))).toEqual(new Set(checksOf('sound', {}).keys()))
  })

  it('says when there is nothing to check, or the wrong strategies', () => {
    const { format, strategy } = build('sound', {})
    const strategies = [{ strategy, params }]
    expect(() => formatConformance(format, { objects: [], strategies, budget })).toThrow(
      /at least one object/,
    )
    expect(() => formatConformance(format, { objects, strategies: [], budget })).toThrow(
      /at least one strategy/,
    )
    expect(() => formatConformance(UTF8Text, { objects, strategies, budget })).toThrow(
      /partitionRecords is a strategy of format sound/,
    )
  })
})
