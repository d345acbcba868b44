import { createHash } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  partitionChunkLines,
  partitionChunkSize,
  partitionNumChunks,
  UTF8Text,
  wholeWordsStrategy,
} from '../../src/formats/text.js'
import { CloudObject, type Slice } from '../../src/index.js'
import { memoryStore, openStorage } from '../../src/storage/index.js'
import { presign } from '../../src/testing/s3-server/presign.js'
import { type S3Server, startS3Server } from '../../src/testing/s3-server/server.js'
import { crc32, linePositions, wordRanges } from '../../src/wasm.js'
import { launchChromium } from './chromium.js'
import { type Site, startSite } from './site.js'

const lines = Array.from({ length: 30_000 }, (_, i) =>
  i === 9_000
    ? 'w'.repeat(70_000)
    : `${i} a “naïve” línea 字 ${'x'.repeat(i % 61)}${i % 7 === 0 ? '\r' : ''}`,
)
const text = `\u{feff}${lines.join('\n')}`
const data = new TextEncoder().encode(text)
const params = { numChunks: 7, chunkSize: 300_000, linesPerChunk: 4_321 }

interface Digest {
  readonly length: number
  readonly sha256: string
}
type Cut = Readonly<Record<string, readonly Digest[]>>
type Outcome = { readonly ok: unknown } | { readonly code: string; readonly message: string }

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const digest = async (slice: Slice): Promise<Digest> => {
  const bytes = await slice.bytes()
  return { length: bytes.length, sha256: sha256(bytes) }
}

let server: S3Server
let site: Site
let browser: Browser
let page: Page
let crashes: string[]
let publicUrl: string
/** The slices as Node reads them. */
let expected: Cut

const signed = (key: string, expiresIn = 600) => {
  const { endpoint, credentials } = server
  return presign({ endpoint, credentials, bucket: 'texts', key, expiresIn })
}

/** Calls a function of page.js. Arguments and results are plain data. */
function inPage<Result>(name: string, ...args: readonly unknown[]): Promise<Result> {
  return page.evaluate(
    async ({ name, args }) => {
      const host = globalThis as unknown as {
        dataplugTest: Record<string, (...args: readonly unknown[]) => Promise<unknown>>
      }
      return host.dataplugTest[name]?.(...args)
    },
    { name, args },
  ) as Promise<Result>
}

beforeAll(async () => {
  browser = await launchChromium()
  page = await browser.newPage()
  page.on('pageerror', (error) => crashes.push(String(error)))
  server = await startS3Server({ buckets: ['texts'], cors: true })
  site = await startSite(data)
  const { endpoint, credentials } = server
  await using storage = openStorage({ s3: { endpoint, credentials, region: 'us-east-1' } })
  await storage.write('s3://texts/plain text.txt', data)
  await storage.write('s3://texts/small.txt', new TextEncoder().encode('one two\nthree four\r\nfünf\n'))
  publicUrl = signed('plain text.txt')

  const object = await CloudObject.open(UTF8Text, 'memory:t', { store: memoryStore({ 'memory:t': data }) })
  await object.preprocess()
  const cuts: Readonly<Record<string, Slice[]>> = {
    words: await object.partition(wholeWordsStrategy, params),
    count: await object.partition(partitionNumChunks, params),
    size: await object.partition(partitionChunkSize, params),
    lines: await object.partition(partitionChunkLines, params),
  }
  const digested = Object.entries(cuts).map(async ([name, slices]) => [
    name,
    await Promise.all(slices.map(digest)),
  ])
  expected = Object.fromEntries(await Promise.all(digested)) as Cut
})

afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
  await server?.close()
})

beforeEach(async () => {
  crashes = []
  await page.goto(site.url)
  await page.waitForFunction('globalThis.dataplugTest !== undefined')
  server.clearFaults()
  server.requests.length = 0
})
afterEach(() => expect(crashes).toEqual([]))

describe('a Blob', () => {
  test('is preprocessed and cut as in Node', async () => {
    const found = await inPage<{ size: number; attributes: unknown; progress: number[]; cut: Cut }>(
      'blob',
      `${site.url}/data`,
      params,
    )
    expect(found.size).toBe(data.length)
    expect(found.attributes).toEqual({ totalLines: lines.length, endsWithNewline: false })
    expect(found.progress.at(-1)).toBe(data.length)
    expect(found.cut).toEqual(expected)
  })

  test('is read by revived slices', async () => {
    expect(await inPage('revive', `${site.url}/data`, params.numChunks)).toEqual(expected.words)
  })
})

describe('a URL of another origin', () => {
  test('is cut as in Node, without a single preflight', async () => {
    const { cut, size } = await inPage<{ cut: Cut; size: number }>('url', publicUrl, params)
    const { words, count, size: bySize } = expected
    expect(size).toBe(data.length)
    expect(cut).toEqual({ words, count, size: bySize })
    expect([...new Set(server.requests.map(({ method }) => method))]).toEqual(['GET'])
  })

  test('a slice costs one request', async () => {
    const object = await CloudObject.open(UTF8Text, publicUrl)
    const [first] = await object.partition(partitionNumChunks, { numChunks: 20 })
    server.requests.length = 0
    await inPage('read', [JSON.stringify(first)])
    expect(server.requests.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 206'])
  })

  test('gives text, lines and a stream', async () => {
    const views = await inPage<Record<string, unknown>>('views', signed('small.txt'), 1)
    const whole = 'one two\nthree four\r\nfünf\n'
    expect(views).toEqual({
      get: whole,
      text: whole,
      stream: whole,
      lines: ['one two', 'three four', 'fünf'],
    })
  })

  test('survives a connection that breaks in the middle of a body', async () => {
    server.addFault({
      fault: { type: 'reset', afterBytes: 70_000 },
      match: { key: 'plain text.txt' },
      after: 1,
    })
    const { cut } = await inPage<{ cut: Cut }>('url', publicUrl, params)
    expect(cut.words).toEqual(expected.words)
    expect(server.requests.filter(({ fault }) => fault === 'reset')).toHaveLength(1)
  })
})

describe('slices cut in Node, read here', () => {
  test('give the same bytes, whatever the strategy', async () => {
    const object = await CloudObject.open(UTF8Text, publicUrl, { store: indexedHttp() })
    await object.preprocess()
    const sets = await Promise.all([
      object.partition(wholeWordsStrategy, params),
      object.partition(partitionNumChunks, params),
      object.partition(partitionChunkSize, params),
      object.partition(partitionChunkLines, params),
    ])
    const json = sets.flat().map((slice) => JSON.stringify(slice))
    const { words, count, size, lines } = expected
    expect(await inPage('read', json)).toEqual([words, count, size, lines].flat())
  })

  /** Reads over HTTP and keeps the index to itself. */
  function indexedHttp() {
    const http = openStorage()
    const memory = memoryStore()
    const storeOf = (uri: string) => (uri.includes('.dataplug') ? memory : http)
    return {
      ...memory,
      head: (...args: Parameters<typeof http.head>) => storeOf(args[0]).head(...args),
      read: (...args: Parameters<typeof http.read>) => storeOf(args[0]).read(...args),
    }
  }
})

describe('an index made in Node, used here', () => {
  test('cuts exact lines of a public object that it lies beside', async () => {
    await using open = await startS3Server({ buckets: ['open'], cors: true, credentials: false })
    const s3 = { endpoint: open.endpoint, region: 'us-east-1', anonymous: true }
    await using storage = openStorage({ s3 })
    await storage.write('s3://open/t.txt', data)
    const object = await CloudObject.open(UTF8Text, 's3://open/t.txt', { storage: { s3 } })
    await object.preprocess()
    const found = await inPage<{ attributes: unknown; cut: Cut }>(
      'url',
      `${open.endpoint}/open/t.txt`,
      params,
    )
    expect(found.attributes).toEqual(object.attributes)
    expect(found.cut).toEqual(expected)
  })
})

describe('what cannot be done says so', () => {
  const outcome = (name: string, ...args: readonly unknown[]) => inPage<Outcome>(name, ...args)

  test('a server that does not allow this page', async () => {
    await using closed = await startS3Server({ buckets: ['closed'], credentials: false })
    await using storage = openStorage({
      s3: { endpoint: closed.endpoint, region: 'us-east-1', anonymous: true },
    })
    await storage.write('s3://closed/t.txt', data)
    expect(await outcome('open', `${closed.endpoint}/closed/t.txt`)).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('CORS'),
    })
  })

  test('an object that changed since it was cut', async () => {
    const { endpoint, credentials } = server
    await using storage = openStorage({ s3: { endpoint, credentials, region: 'us-east-1' } })
    await storage.write('s3://texts/changing.txt', new TextEncoder().encode('before before'))
    const object = await CloudObject.open(UTF8Text, signed('changing.txt'))
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    expect(await outcome('readOne', JSON.stringify(slice))).toEqual({ ok: 13 })
    await storage.write('s3://texts/changing.txt', new TextEncoder().encode('after+ after+'))
    expect(await outcome('readOne', JSON.stringify(slice))).toMatchObject({ code: 'OBJECT_CHANGED' })
  })

  test.each([
    ['s3://bucket/key', 'UNSUPPORTED', 'presigned'],
    ['file:///etc/hostname', 'UNSUPPORTED', 'File or Blob'],
    ['some/path.txt', 'INVALID_URI', 'http'],
  ])('%s', async (uri, code, advice) => {
    expect(await outcome('open', uri)).toMatchObject({ code, message: expect.stringContaining(advice) })
  })

  test('a missing object, and an expired signature', async () => {
    expect(await outcome('open', signed('missing.txt'))).toMatchObject({ code: 'NOT_FOUND' })
    const { endpoint, credentials } = server
    const past = { endpoint, credentials, bucket: 'texts', key: 'small.txt', expiresIn: 1, time: 0 }
    expect(await outcome('open', presign(past))).toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('an index that cannot be written beside a URL', async () => {
    expect(await outcome('preprocess', publicUrl)).toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.stringContaining('metadata'),
    })
  })

  test('an abort ends the request with its own reason', async () => {
    expect(await inPage('abort', publicUrl)).toMatchObject({ aborted: true, pieces: 1 })
  })
})

test('the kernels give what they give in Node', async () => {
  const newlines = Uint32Array.from([...data.keys()].filter((at) => data[at] === 10))
  const bytesOf = (array: Uint32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  const words = text.match(/[^ \t\n\v\f\r]+/g) ?? []
  expect([...linePositions(data)]).toEqual([...newlines])
  expect(await inPage('kernels', `${site.url}/data`)).toEqual({
    lines: lines.length - 1,
    positions: sha256(bytesOf(newlines)),
    tenth: (newlines[9] as number) + 1,
    words: words.length,
    wordsInPieces: words.length,
    ranges: sha256(bytesOf(Uint32Array.from(wordRanges(data)))),
    firstWordCut: data.findIndex((byte, at) => at >= 999 && (byte === 32 || byte === 10)) + 1,
    lastLineCut: (newlines.at(-1) as number) + 1,
    crc32: crc32(data),
  })
})
