import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { httpStore } from '../../src/storage/http.js'
import { openStorage } from '../../src/storage/index.js'
import { withRetry } from '../../src/storage/retry.js'
import { type ObjectInfo, readBytes } from '../../src/storage/store.js'
import {
  answer,
  type Fake,
  type FakeObject,
  type Fault,
  fakeObject,
  pattern,
  rangeHeaders,
  rangeOf,
  rejection,
  startFake,
  until,
} from './http-fake.js'

const SIZE = 300_000
const bytes = pattern(SIZE)
const quick = { timeouts: { connectMs: 100, responseMs: 200, idleMs: 300 } }
// For what must succeed, also on a busy machine.
const patient = { timeouts: { connectMs: 500, responseMs: 500, idleMs: 1000 } }
const fast = { attempts: 4, baseDelayMs: 1 }

let fake: Fake
let object: FakeObject
let uri: string
beforeEach(async () => {
  fake = await startFake()
  object = fakeObject(bytes)
  fake.objects.set('a.bin', object)
  uri = `${fake.origin}/a.bin`
})
afterEach(() => fake.close())

/** Meets requests number `from` (0 is the first) up to, not including, `to`. */
function between(from: number, to: number, fault: Fault): Fault {
  return (request, response, n) => (n >= from && n < to ? fault(request, response, n) : false)
}

/** A right head with the first `sent` bytes of the body; then `end` says how it goes on. */
function partly(sent: number, end: (response: Parameters<Fault>[1]) => void): Fault {
  return (request, response) => {
    const [start, stop] = rangeOf(request) ?? [0, SIZE]
    response.writeHead(206, rangeHeaders(object, start, stop))
    response.write(bytes.subarray(start, Math.min(stop, start + sent)), () => end(response))
    return true
  }
}
const reset = (sent: number) => partly(sent, (response) => response.socket?.resetAndDestroy())
const stall = (sent: number) => partly(sent, () => {})
const status =
  (code: number, headers: Record<string, string> = {}): Fault =>
  (_, response) => {
    response.writeHead(code, headers).end()
    return true
  }
const silence: Fault = () => true
const replaceBefore =
  (n: number, next: FakeObject): Fault =>
  (_request, _response, count) => {
    if (count === n) fake.objects.set('a.bin', next)
    return false
  }

describe('one request', () => {
  const cases: Record<string, readonly [Fault, string]> = {
    'a 200 instead of a range': [
      (_, response) => !!response.writeHead(200, { etag: '"v"' }).end(bytes),
      'RANGE_IGNORED',
    ],
    'a reset mid-body': [reset(1000), 'NETWORK'],
    'a stall mid-body': [stall(1000), 'TIMEOUT'],
    'no answer at all': [silence, 'TIMEOUT'],
    'an end mid-body': [
      (_, response) => {
        // Chunked, so that only the count tells.
        const { 'content-length': _length, ...headers } = rangeHeaders(object, 10, 5000)
        response.writeHead(206, headers).end(bytes.subarray(10, 4000))
        return true
      },
      'SHORT_BODY',
    ],
    'a body that goes on': [
      (_, response) => {
        const { 'content-length': _length, ...headers } = rangeHeaders(object, 10, 5000)
        response.writeHead(206, headers).end(bytes.subarray(10, 6000))
        return true
      },
      'RANGE_IGNORED',
    ],
    'a shorter Content-Length': [
      (_, response) =>
        !!response
          .writeHead(206, { ...rangeHeaders(object, 10, 5000), 'content-length': '10' })
          .end('0123456789'),
      'SHORT_BODY',
    ],
    'another Content-Range': [
      (_, response) =>
        !!response.writeHead(206, rangeHeaders(object, 11, 5001)).end(bytes.subarray(11, 5001)),
      'RANGE_IGNORED',
    ],
    'no Content-Range': [
      (_, response) => !!response.writeHead(206, { etag: '"v"' }).end(bytes.subarray(10, 5000)),
      'RANGE_IGNORED',
    ],
    'an unknown total': [
      (_, response) =>
        !!response
          .writeHead(206, { etag: '"v"', 'content-range': 'bytes 10-4999/*' })
          .end(bytes.subarray(10, 5000)),
      'RANGE_IGNORED',
    ],
    'no ETag and no date': [
      (_, response) =>
        !!response.writeHead(206, { 'content-range': `bytes 10-4999/${SIZE}` }).end(bytes.subarray(10, 5000)),
      'UNSUPPORTED',
    ],
    'a Content-Encoding': [
      (_, response) =>
        !!response
          .writeHead(206, { ...rangeHeaders(object, 10, 5000), 'content-encoding': 'gzip' })
          .end(bytes.subarray(10, 5000)),
      'UNSUPPORTED',
    ],
    'a 401': [status(401), 'ACCESS_DENIED'],
    'a 403': [status(403), 'ACCESS_DENIED'],
    'a 404': [status(404), 'NOT_FOUND'],
    'a 410': [status(410), 'NOT_FOUND'],
    'a 412': [status(412), 'OBJECT_CHANGED'],
    'a 416': [status(416, { 'content-range': 'bytes */100' }), 'RANGE_OUTSIDE_OBJECT'],
    'a 429': [status(429), 'THROTTLED'],
    'a 503': [status(503), 'THROTTLED'],
    'a 500': [status(500), 'SERVER_ERROR'],
    'a 502': [status(502), 'SERVER_ERROR'],
    'a closed connection': [(_, response) => !!response.socket?.destroy(), 'NETWORK'],
  }
  for (const [name, [fault, code]] of Object.entries(cases)) {
    test(`${name} is ${code}, and lets go of the connection`, async () => {
      fake.fault = fault
      const store = httpStore(code === 'TIMEOUT' ? quick : {})
      const error = await rejection(readBytes(store, uri, [10, 5000]))
      expect(error).toMatchObject({ name: 'DataplugError', code, uri })
      expect((error as Error).message).toContain(uri)
      await until(() => fake.busy() === 0)
    })
  }

  test('nobody listening is NETWORK, no such host too', async () => {
    await fake.close()
    expect(await rejection(httpStore().head(uri))).toMatchObject({ code: 'NETWORK' })
    expect(await rejection(httpStore().head('http://nowhere.invalid/a'))).toMatchObject({ code: 'NETWORK' })
    fake = await startFake()
  })

  test('a server that takes connections and says nothing is TIMEOUT', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    expect(await rejection(httpStore(quick).head(`http://127.0.0.1:${port}/a`))).toMatchObject({
      code: 'TIMEOUT',
    })
    server.close()
  })

  test.each(['ftp://h/a', 'http://user:pw@h/a', 'a.bin', 'http://'])('refuses %s', async (bad) => {
    expect(await rejection(httpStore().head(bad))).toMatchObject({ code: 'INVALID_URI' })
  })

  test('a changed object is told by its ETag even when If-Match is not honoured', async () => {
    const { etag } = await httpStore().head(uri)
    fake.objects.set('a.bin', fakeObject(bytes))
    const blunt = httpStore({ ifMatch: false })
    const error = await rejection(readBytes(blunt, uri, [0, 10], { ifMatch: etag }))
    expect(error).toMatchObject({ code: 'OBJECT_CHANGED' })
    expect(fake.requests.at(-1)?.headers['if-match']).toBeUndefined()
  })
})

describe('what is sent', () => {
  test('no HEAD, one byte for head, the exact range, If-Match, no compression, the headers given', async () => {
    const store = httpStore({ headers: { authorization: 'Bearer x' } })
    const info = await store.head(`${uri}?signature=1`)
    await readBytes(store, uri, [5, 9], { ifMatch: info.etag })
    expect(fake.requests).toMatchObject([
      {
        method: 'GET',
        url: '/a.bin?signature=1',
        headers: { range: 'bytes=0-0', authorization: 'Bearer x' },
      },
      {
        method: 'GET',
        headers: { range: 'bytes=5-8', 'if-match': info.etag, 'accept-encoding': 'identity' },
      },
    ])
  })

  test('messages hide what signs a URL', async () => {
    const error = await rejection(httpStore().head(`${fake.origin}/no?X-Amz-Signature=secret`))
    expect((error as Error).message).not.toContain('secret')
  })

  test('redirects are followed', async () => {
    fake.fault = (request, response) =>
      request.url === '/old' && !!response.writeHead(302, { location: '/a.bin' }).end()
    expect(await readBytes(httpStore(), `${fake.origin}/old`, [5, 9])).toEqual(bytes.slice(5, 9))
  })

  test('connections are used again', async () => {
    const store = httpStore()
    for (let i = 0; i < 10; i++) {
      await readBytes(store, uri, [i, i + 10_000])
      await rejection(store.head(`${fake.origin}/missing`))
    }
    // One may still be on its way back when the next request leaves.
    expect(fake.connections()).toBeLessThanOrEqual(2)
  })
})

describe('without a strong ETag', () => {
  const lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT'

  test.each([undefined, 'W/"weak"'])('ETag %s: date and size stand in, and are compared', async (etag) => {
    fake.objects.set('a.bin', { bytes, etag, lastModified })
    const store = httpStore()
    const info = await store.head(uri)
    expect(info.etag).toBe(`modified:${lastModified};size=${SIZE}`)
    expect(await readBytes(store, uri, [1, 5], { ifMatch: info.etag })).toEqual(bytes.slice(1, 5))
    expect(fake.requests.at(-1)?.headers['if-match']).toBeUndefined()

    fake.objects.set('a.bin', { bytes, etag, lastModified: 'Wed, 21 Oct 2015 07:28:01 GMT' })
    expect(await rejection(readBytes(store, uri, [1, 5], { ifMatch: info.etag }))).toMatchObject({
      code: 'OBJECT_CHANGED',
    })
  })

  test('a tag made where the ETag was hidden holds where it is not', async () => {
    fake.objects.set('a.bin', { bytes, lastModified })
    const { etag } = await httpStore().head(uri)
    fake.objects.set('a.bin', { bytes, etag: '"strong"', lastModified })
    expect(await readBytes(httpStore(), uri, [1, 5], { ifMatch: etag })).toEqual(bytes.slice(1, 5))
  })

  test('a pinned ETag that the server does not tell is no change of the object', async () => {
    fake.objects.set('a.bin', { bytes, lastModified })
    const blunt = httpStore({ ifMatch: false })
    expect(await rejection(readBytes(blunt, uri, [1, 5], { ifMatch: '"strong"' }))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('ETag'),
    })
  })
})

describe('an empty object', () => {
  beforeEach(() => fake.objects.set('a.bin', fakeObject(new Uint8Array())))

  test('is found by a second request', async () => {
    expect(await httpStore().head(uri)).toMatchObject({ size: 0, etag: fake.objects.get('a.bin')?.etag })
    expect(fake.requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  test('may be answered whole', async () => {
    fake.fault = (_, response) => !!response.writeHead(200, { etag: '"e"', 'content-length': '0' }).end()
    expect(await httpStore().head(uri)).toEqual({ uri, size: 0, etag: '"e"' })
  })
})

describe('with retries', () => {
  const open = () => withRetry(httpStore(patient), fast)
  const passing: Record<string, readonly [Fault, number]> = {
    'two 503s': [between(0, 2, status(503)), 3],
    'a 500 and a 429': [between(0, 2, (a, b, n) => status(n ? 429 : 500)(a, b, n)), 3],
    'no answer once': [between(0, 1, silence), 2],
    'a reset before anything': [between(0, 1, (_, response) => !!response.socket?.destroy()), 2],
    'resets mid-body': [between(0, 3, reset(70_000)), 4],
    'a stall mid-body': [between(0, 1, stall(100_000)), 2],
    'a stall after the headers': [between(0, 1, stall(0)), 2],
    'a reset, then a 503': [
      (a, b, n) => (n === 0 ? reset(999)(a, b, n) : n === 1 && status(503)(a, b, n)),
      3,
    ],
  }
  for (const [name, [fault, requests]] of Object.entries(passing)) {
    test(`${name}: every byte once, in ${requests} requests`, async () => {
      fake.fault = fault
      const told: ObjectInfo[] = []
      const read = await readBytes(open(), uri, [7, SIZE - 7], { onInfo: (info) => told.push(info) })
      expect(Buffer.compare(read, bytes.subarray(7, SIZE - 7))).toBe(0)
      expect(fake.requests.length).toBe(requests)
      expect(told).toEqual([{ uri, size: SIZE, etag: object.etag }])
      await until(() => fake.busy() === 0)
    })
  }

  test('a body is resumed from the byte it reached, under its ETag', async () => {
    fake.fault = between(
      0,
      1,
      partly(5000, (response) => response.end()),
    )
    expect((await readBytes(open(), uri, [100, 50_000])).length).toBe(49_900)
    expect(fake.requests[1]?.headers).toMatchObject({ range: 'bytes=5100-49999', 'if-match': object.etag })
  })

  test('an object replaced between the two requests of one read is an error, however it is told', async () => {
    for (const store of [open(), withRetry(httpStore({ ...patient, ifMatch: false }), fast)]) {
      fake.objects.set('a.bin', object)
      fake.requests.length = 0
      const next = fakeObject(pattern(SIZE, 5))
      fake.fault = (a, b, n) => (n === 0 ? reset(5000)(a, b, n) : replaceBefore(1, next)(a, b, n))
      expect(await rejection(readBytes(store, uri, [0, SIZE]))).toMatchObject({ code: 'OBJECT_CHANGED' })
      expect(fake.requests.length).toBe(2)
    }
  })

  test('an object that shrank meanwhile has changed, it is no wrong range', async () => {
    const short: FakeObject = { ...object, bytes: bytes.subarray(0, 2000) }
    fake.fault = (a, b, n) => (n === 0 ? reset(5000)(a, b, n) : replaceBefore(1, short)(a, b, n))
    expect(await rejection(readBytes(open(), uri, [0, SIZE]))).toMatchObject({ code: 'OBJECT_CHANGED' })
  })

  test('what does not pass is given up, with its code and how often it was tried', async () => {
    fake.fault = status(503)
    expect(await rejection(readBytes(open(), uri, [0, 10]))).toMatchObject({
      code: 'THROTTLED',
      message: expect.stringContaining('4 attempts'),
    })
    expect(fake.requests.length).toBe(4)
  })

  test('what cannot pass is not tried again', async () => {
    for (const code of [403, 404, 412]) {
      fake.requests.length = 0
      fake.fault = status(code)
      await rejection(readBytes(open(), uri, [0, 10]))
      expect(fake.requests.length).toBe(1)
    }
  })

  test('one byte per connection does not go on for ever', async () => {
    fake.fault = reset(1)
    expect(await rejection(readBytes(open(), uri, [0, 1000]))).toMatchObject({ code: 'NETWORK' })
    expect(fake.requests.length).toBe(4)
  })
})

describe('aborts', () => {
  const situations: Record<string, Fault | undefined> = {
    'before the headers': silence,
    'before the first byte': stall(0),
    'mid-body': stall(10_000),
    'while backing off': status(503),
  }
  for (const [name, fault] of Object.entries(situations)) {
    test(`${name}: the reason is thrown at once, no connection stays`, async () => {
      fake.fault = fault
      const storage = openStorage({ retry: { attempts: 50, baseDelayMs: 5000 } })
      const controller = new AbortController()
      const reason = new Error('enough')
      const reading = rejection(readBytes(storage, uri, [0, SIZE], { signal: controller.signal }))
      await until(() => fake.requests.length > 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
      controller.abort(reason)
      expect(await reading).toBe(reason)
      await until(() => fake.busy() === 0)
    })
  }

  test('of many reads under one signal give no warning of a leak', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    fake.fault = stall(10)
    const storage = openStorage()
    const controller = new AbortController()
    const reads = Array.from({ length: 30 }, (_, i) =>
      rejection(readBytes(storage, uri, [i, SIZE], { signal: controller.signal })),
    )
    await until(() => fake.requests.length === 30)
    controller.abort()
    for (const error of await Promise.all(reads)) expect(error).toBe(controller.signal.reason)
    await until(() => fake.busy() === 0)
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

test('a slow consumer is no stall', async () => {
  // Time-outs count only while the consumer waits for bytes.
  const store = httpStore({ timeouts: { idleMs: 50 } })
  let seen = 0
  for await (const chunk of store.read(uri, [0, SIZE])) {
    if (seen === 0) await new Promise((resolve) => setTimeout(resolve, 150))
    seen += chunk.length
  }
  expect(seen).toBe(SIZE)
})

test('unread bodies block nobody', async () => {
  const storage = openStorage({ http: { maxSockets: 2 } })
  const big = fakeObject(pattern(4_000_000))
  fake.objects.set('big', big)
  fake.fault = (request, response) => {
    const range = rangeOf(request)
    if (range) answer(request, response, request.url === '/big' ? big : object)
    return range !== undefined
  }
  const held = Array.from({ length: 5 }, () =>
    storage.read(`${fake.origin}/big`, [0, 4_000_000])[Symbol.asyncIterator](),
  )
  for (const body of held) expect((await body.next()).done).toBe(false)
  expect((await readBytes(storage, uri, [0, 100])).length).toBe(100)
  for (const body of held) await body.return?.()
  await until(() => fake.busy() === 0)
})
