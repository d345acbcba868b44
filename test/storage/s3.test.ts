import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { httpStore } from '../../src/storage/http.js'
import { openStorage } from '../../src/storage/index.js'
import { withRetry } from '../../src/storage/retry.js'
import { type S3StoreOptions, s3Store, unlimitedS3Store } from '../../src/storage/s3.js'
import { type ObjectInfo, readBytes, type Store } from '../../src/storage/store.js'
import { type Fault, presign, type S3Server, startS3Server } from '../../src/testing/s3-server/index.js'
import { type StoreUnderTest, storeConformance } from '../../src/testing/store-conformance.js'
import { all, pattern, rejection, startFake, until } from './http-fake.js'

const SIZE = 300_000
const bytes = pattern(SIZE)
const uri = 's3://data/a b/ü#1?x=%20.bin'
const fast = { attempts: 4, baseDelayMs: 1 }
const quick = { connectMs: 200, responseMs: 300, idleMs: 300 }

let server: S3Server
let options: S3StoreOptions
beforeAll(async () => {
  server = await startS3Server({ buckets: ['data', 'other'] })
  options = { endpoint: server.endpoint, credentials: server.credentials }
})
afterAll(() => server.close())

let store: Store & AsyncDisposable
beforeEach(async () => {
  server.clearFaults()
  store = s3Store(options)
  await store.write(uri, bytes)
  server.requests.length = 0
})
afterEach(() => store[Symbol.asyncDispose]())

function meet(...faults: Fault[]): void {
  for (const fault of faults) server.addFault({ match: { method: 'GET' }, fault })
}

const code = async (call: Promise<unknown>) =>
  ((await rejection(call)) as { code?: unknown } | undefined)?.code

let buckets = 0
function subject(open: (options: S3StoreOptions) => StoreUnderTest['store'] & AsyncDisposable) {
  return async (): Promise<StoreUnderTest> => {
    const own = await startS3Server({ buckets: [`bucket-${++buckets}`] })
    const base = `s3://bucket-${buckets}/`
    const config = { endpoint: own.endpoint, credentials: own.credentials }
    const direct = unlimitedS3Store(config)
    const store = open(config)
    return {
      store,
      uri: (key) => base + key,
      put: (key, content) => direct.write(base + key, content),
      async close() {
        await store[Symbol.asyncDispose]()
        await direct[Symbol.asyncDispose]()
        await own.close()
      },
    }
  }
}

describe.each([
  ['s3Store', subject(s3Store)],
  ['openStorage', subject((s3) => openStorage({ s3, split: { above: 1_000_000, partSize: 400_000 } }))],
] as const)('%s', (_, makeStore) => {
  for (const { name, run } of storeConformance(makeStore)) test(name, run)
})

describe('one request', () => {
  const cases: readonly (readonly [string, Fault, string])[] = [
    ['range ignored', { type: 'ignore-range' }, 'RANGE_IGNORED'],
    ['another range', { type: 'wrong-content-range' }, 'RANGE_IGNORED'],
    ['reset mid-body', { type: 'reset', afterBytes: 1000 }, 'NETWORK'],
    ['reset before the body', { type: 'reset', afterBytes: 0 }, 'NETWORK'],
    ['short body', { type: 'short-body', bytes: 1000 }, 'NETWORK'],
    ['stall mid-body', { type: 'stall', afterBytes: 1000 }, 'TIMEOUT'],
    ['no headers', { type: 'no-headers' }, 'TIMEOUT'],
    ['wrong checksum', { type: 'wrong-checksum' }, 'CHECKSUM_MISMATCH'],
    ['503', { type: 'status', status: 503 }, 'THROTTLED'],
    ['500', { type: 'status', status: 500 }, 'SERVER_ERROR'],
    ['403', { type: 'status', status: 403 }, 'ACCESS_DENIED'],
  ]
  test.each(cases)('%s', async (_, fault, expected) => {
    meet(fault)
    await using impatient = s3Store({ ...options, timeouts: quick })
    const subject = expected === 'TIMEOUT' ? impatient : store
    expect(await rejection(readBytes(subject, uri, [10, SIZE]))).toMatchObject({ code: expected, uri })
    expect(server.requests.length).toBe(1)
    // The connection is usable, or gone.
    expect((await readBytes(store, uri, [10, 20])).length).toBe(10)
  })
})

describe('with retries', () => {
  const open = () =>
    withRetry(s3Store({ ...options, timeouts: { ...quick, idleMs: 1000, responseMs: 1000 } }), fast)
  const passing: readonly (readonly [string, readonly Fault[], number])[] = [
    [
      'two 503s',
      [
        { type: 'status', status: 503 },
        { type: 'status', status: 503 },
      ],
      3,
    ],
    ['no headers', [{ type: 'no-headers' }], 2],
    ['resets', [70_000, 70_000, 0].map((afterBytes) => ({ type: 'reset', afterBytes })), 4],
    ['a stall', [{ type: 'stall', afterBytes: 1234 }], 2],
    ['a short body', [{ type: 'short-body', bytes: 1234 }], 2],
  ]
  test.each(passing)('%s', async (_, faults, requests) => {
    await using retrying = open()
    meet(...faults)
    const told: ObjectInfo[] = []
    const read = await readBytes(retrying, uri, [7, SIZE], { onInfo: (info) => told.push(info) })
    expect(Buffer.compare(read, bytes.subarray(7))).toBe(0)
    expect(server.requests.length).toBe(requests)
    expect(told).toMatchObject([{ uri, size: SIZE }])
  })

  test('an object replaced mid-read is an error', async () => {
    await using retrying = open()
    meet({ type: 'reset', afterBytes: 1000 }, { type: 'replace', body: pattern(SIZE, 3) })
    expect(await code(readBytes(retrying, uri, [0, SIZE]))).toBe('OBJECT_CHANGED')
  })

  test('a wrong checksum after delivered bytes is final, for they may be wrong', async () => {
    await using retrying = open()
    meet({ type: 'wrong-checksum' })
    expect(await code(readBytes(retrying, uri, [0, SIZE]))).toBe('CHECKSUM_MISMATCH')
    expect(server.requests.length).toBe(1)
  })

  test('writes, heads and listings are repeated', async () => {
    await using retrying = open()
    server.addFault({ fault: { type: 'status', status: 503 } })
    await retrying.write('s3://data/new', pattern(10))
    server.addFault({ fault: { type: 'status', status: 500 } })
    expect((await retrying.head('s3://data/new')).size).toBe(10)
    server.addFault({ fault: { type: 'status', status: 503 } })
    expect((await all(retrying.list('s3://data/new'))).length).toBe(1)
    server.addFault({ fault: { type: 'reset', afterBytes: 0 } })
    await retrying.remove('s3://data/new')
    expect(await code(retrying.head('s3://data/new'))).toBe('NOT_FOUND')
  })
})

describe('refusals', () => {
  const message = (text: string) => expect.stringContaining(text)

  test('a missing bucket and a missing key are told apart', async () => {
    expect(await rejection(store.head('s3://no-such-bucket/x'))).toMatchObject({
      code: 'NOT_FOUND',
      message: message('no bucket "no-such-bucket"'),
    })
    expect(await rejection(store.head('s3://data/x'))).toMatchObject({
      code: 'NOT_FOUND',
      message: message('no such object'),
    })
    expect(await code(all(store.list('s3://no-such-bucket/x')))).toBe('NOT_FOUND')
    expect(await code(store.write('s3://no-such-bucket/x', bytes))).toBe('NOT_FOUND')
  })

  test('wrong credentials say which half is wrong', async () => {
    const { accessKeyId, secretAccessKey } = server.credentials
    await using stranger = s3Store({ ...options, credentials: { accessKeyId: 'nobody', secretAccessKey } })
    expect(await rejection(stranger.head(uri))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: message('AWS_ACCESS_KEY_ID'),
    })
    await using forger = s3Store({ ...options, credentials: { accessKeyId, secretAccessKey: 'wrong' } })
    for (const call of [
      () => forger.head(uri),
      () => forger.write(uri, bytes),
      () => all(forger.list(uri)),
    ]) {
      expect(await rejection(call())).toMatchObject({
        code: 'ACCESS_DENIED',
        message: message('AWS_SECRET_ACCESS_KEY'),
      })
    }
  })

  test('no permission to write names the way out', async () => {
    server.addFault({ match: { method: 'PUT' }, fault: { type: 'status', status: 403 } })
    expect(await rejection(store.write(uri, bytes))).toMatchObject({
      code: 'STORE_READ_ONLY',
      message: message('`metadata`'),
    })
  })

  test('no credentials at all say where to put them', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    vi.stubEnv('AWS_PROFILE', undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
    await using bare = s3Store({ endpoint: server.endpoint })
    expect(await rejection(bare.head(uri))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: message('AWS_PROFILE'),
    })
    vi.unstubAllEnvs()
  })

  test('anonymous requests are not signed', async () => {
    const open = await startS3Server({ buckets: ['public'], credentials: false })
    await using anonymous = s3Store({ endpoint: open.endpoint, anonymous: true })
    await anonymous.write('s3://public/x', pattern(10))
    expect(await readBytes(anonymous, 's3://public/x', [0, 10])).toEqual(pattern(10))
    await open.close()
  })

  test('a missing SDK says what to install', async () => {
    const missing = unlimitedS3Store(options, () => Promise.reject(new Error('Cannot find package')))
    expect(await rejection(missing.head(uri))).toMatchObject({
      code: 'MISSING_DEPENDENCY',
      message: message('npm install @aws-sdk/client-s3'),
    })
  })

  test('what is no S3 server, and no server', async () => {
    const fake = await startFake()
    fake.fault = (_, response) =>
      !!response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello')
    await using web = s3Store({ ...options, endpoint: fake.origin })
    expect(await code(web.head(uri))).toBe('RANGE_IGNORED')
    expect(await code(all(web.list('s3://data/')))).toMatch(/UNSUPPORTED|NETWORK/)
    await fake.close()
    await using nobody = s3Store({ ...options, endpoint: fake.origin })
    expect(await code(nobody.head(uri))).toBe('NETWORK')
  })

  test.each(['s3://data', 's3://data/', 's3:///x'])('%s is no object', async (bad) => {
    expect(await code(store.head(bad))).toBe('INVALID_URI')
    expect(await code(store.write(bad, bytes))).toBe('INVALID_URI')
  })

  test('an endpoint must be a URL', async () => {
    await using wrong = s3Store({ ...options, endpoint: 'localhost:9000' })
    expect(await code(wrong.head(uri))).toBe('INVALID_ARGUMENT')
  })
})

describe('configuration', () => {
  test.each(['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'])(
    '%s and the credentials of the environment work',
    async (name) => {
      vi.stubEnv(name, server.endpoint)
      vi.stubEnv('AWS_ACCESS_KEY_ID', server.credentials.accessKeyId)
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.credentials.secretAccessKey)
      await using fromEnvironment = s3Store()
      expect((await fromEnvironment.head(uri)).size).toBe(SIZE)
      vi.unstubAllEnvs()
    },
  )

  test('no region is us-east-1', async () => {
    const strict = await startS3Server({ buckets: ['data'], region: 'us-east-1' })
    vi.stubEnv('AWS_REGION', undefined)
    vi.stubEnv('AWS_DEFAULT_REGION', undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
    await using nowhere = s3Store({ endpoint: strict.endpoint, credentials: strict.credentials })
    await nowhere.write('s3://data/x', pattern(1))
    await using elsewhere = s3Store({
      endpoint: strict.endpoint,
      credentials: strict.credentials,
      region: 'eu-west-1',
    })
    expect(await rejection(elsewhere.head('s3://data/x'))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('region'),
    })
    vi.unstubAllEnvs()
    await strict.close()
  })
})

test('one GET for a head, one for a read', async () => {
  const { etag } = await store.head(uri)
  await readBytes(store, uri, [0, 100], { ifMatch: etag })
  expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
})

test('listing goes over pages', async () => {
  const fake = await startFake()
  const pages = [['many/1', 'many/2'], ['many/3'], []]
  fake.fault = (request, response) => {
    const page = Number(new URL(request.url ?? '', fake.origin).searchParams.get('continuation-token') ?? 0)
    const entries = pages[page]?.map(
      (key) => `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`,
    )
    const next = page === 2 ? '' : `<NextContinuationToken>${page + 1}</NextContinuationToken>`
    response.setHeader('content-type', 'application/xml')
    return !!response.end(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>${page < 2}</IsTruncated>${next}${entries?.join('')}</ListBucketResult>`,
    )
  }
  await using paged = s3Store({ ...options, endpoint: fake.origin })
  expect(await all(paged.list('s3://data/many/'))).toEqual(
    [1, 2, 3].map((n) => ({ uri: `s3://data/many/${n}`, size: 1, etag: '"e"' })),
  )
  expect(fake.requests.length).toBe(3)
  await fake.close()
})

test('unread bodies block nobody', async () => {
  await store.write('s3://data/big', pattern(8_000_000))
  await using few = s3Store({ ...options, maxSockets: 2 })
  const held = Array.from({ length: 5 }, () =>
    few.read('s3://data/big', [0, 8_000_000])[Symbol.asyncIterator](),
  )
  for (const body of held) expect((await body.next()).done).toBe(false)
  expect((await few.head(uri)).size).toBe(SIZE)
  for (const body of held) await body.return?.()
})

test('a body given up for another is continued where it was', async () => {
  const content = pattern(6_000_000)
  await store.write('s3://data/big', content)
  await using few = s3Store({ ...options, maxSockets: 1 })
  const bodies = [0, 1, 2].map(() => few.read('s3://data/big', [5, 6_000_000])[Symbol.asyncIterator]())
  const firsts = []
  for (const body of bodies) firsts.push((await body.next()).value as Uint8Array)
  for (const [i, body] of bodies.entries()) {
    const chunks = [firsts[i] ?? new Uint8Array()]
    for (let next = await body.next(); !next.done; next = await body.next()) chunks.push(next.value)
    expect(Buffer.compare(Buffer.concat(chunks), content.subarray(5))).toBe(0)
  }
}, 30_000)

test('closing ends what is under way, and nothing can be begun', async () => {
  server.addFault({ match: { method: 'GET' }, fault: { type: 'stall', afterBytes: 1000 } })
  const patient = s3Store(options)
  const reading = rejection(readBytes(patient, uri, [0, SIZE]))
  await until(() => server.requests.length === 1)
  await patient[Symbol.asyncDispose]()
  expect(await reading).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await code(patient.head(uri))).toBe('INVALID_ARGUMENT')
  expect(await code(patient.write(uri, bytes))).toBe('INVALID_ARGUMENT')
})

test.each(['no-headers', 'stall'] as const)(
  'an abort during %s throws its reason and closes the socket',
  async (type) => {
    server.addFault({ fault: type === 'stall' ? { type, afterBytes: 1000 } : { type } })
    await using patient = s3Store(options)
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = sockets()
    const controller = new AbortController()
    const reason = new Error('enough')
    const reading = rejection(readBytes(patient, uri, [0, SIZE], { signal: controller.signal }))
    await until(() => server.requests.length === 1)
    controller.abort(reason)
    expect(await reading).toBe(reason)
    await until(() => sockets() <= before)
  },
)

test('a presigned URL is read over HTTP', async () => {
  const { endpoint, credentials } = server
  const url = presign({ endpoint, bucket: 'data', key: uri.slice('s3://data/'.length), credentials })
  const http = httpStore()
  const info = await http.head(url)
  expect(info.size).toBe(SIZE)
  expect(await readBytes(http, url, [5, 500], { ifMatch: info.etag })).toEqual(bytes.slice(5, 500))
})
