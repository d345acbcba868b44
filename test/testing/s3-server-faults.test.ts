import { get as httpGet } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { crc32, crcBase64 } from '../../src/testing/s3-server/crc32.js'
import {
  type Fault,
  type FaultRule,
  presign,
  type S3Server,
  startS3Server,
} from '../../src/testing/s3-server/index.js'
import { outcome, pattern, signedFetch } from '../s3/client.js'

const bucket = 'bucket'
const body = pattern(100_000)
let server: S3Server

beforeEach(async () => {
  server = await startS3Server({ buckets: [bucket] })
  await signedFetch(server, bucket, 'object', { method: 'PUT', body })
  server.requests.length = 0
})

afterEach(() => server.close())

const read = (headers: Record<string, string> = {}, key = 'object') =>
  signedFetch(server, bucket, key, { headers })

interface Received {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly bytes: Buffer
  readonly end: 'whole' | 'reset' | 'short' | 'gave up' | 'no answer'
}

/** A GET that counts what arrives, gives up after `patience` ms without any, and says how it ended. */
function receive(
  fault: Fault,
  { range, patience = 5000 }: { range?: string; patience?: number } = {},
): Promise<Received> {
  server.addFault({ fault })
  const url = presign({ ...server, bucket, key: 'object' })
  return new Promise((resolve) => {
    const request = httpGet(url, { agent: false, headers: range ? { range } : {} })
    let lost = (): void => resolve({ status: 0, headers: {}, bytes: Buffer.alloc(0), end: 'no answer' })
    request.on('error', () => lost())
    request.setTimeout(patience, () => request.destroy())
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      const done = (end: Received['end']) =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes: Buffer.concat(chunks),
          end,
        })
      request.setTimeout(patience, () => {
        done('gave up')
        request.destroy()
      })
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => done('whole'))
      // An error of the socket, which a mere early end is not, comes to the request.
      lost = () => done('reset')
      response.on('error', () => setImmediate(() => done('short')))
    })
  })
}

describe('faults', () => {
  it('reset', async () => {
    const answer = await receive({ type: 'reset', afterBytes: 12_345 })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-length']).toBe('100000')
    expect(answer.end).toBe('reset')
    expect(answer.bytes).toEqual(body.subarray(0, 12_345))
  })

  it('reset before any byte and after the last', async () => {
    expect((await receive({ type: 'reset', afterBytes: 0 })).bytes.length).toBe(0)
    // The reset comes too late for a reader that counts.
    expect((await receive({ type: 'reset', afterBytes: 100_000 })).bytes.equals(body)).toBe(true)
  })

  it('stall for good', async () => {
    const answer = await receive({ type: 'stall', afterBytes: 5000 }, { patience: 200 })
    expect([answer.end, answer.bytes.length]).toEqual(['gave up', 5000])
  })

  it('stall for a while', async () => {
    const answer = await receive({ type: 'stall', afterBytes: 5000, ms: 50 })
    expect([answer.end, answer.bytes.equals(body)]).toEqual(['whole', true])
  })

  it('short-body', async () => {
    const answer = await receive({ type: 'short-body', bytes: 777 }, { range: 'bytes=1000-1999' })
    expect(answer.headers['content-length']).toBe('1000')
    expect(answer.end).toBe('short')
    expect(answer.bytes).toEqual(body.subarray(1000, 1777))
  })

  it('status', async () => {
    for (const [fault, expected] of [
      [{ type: 'status', status: 503 }, '503 SlowDown'],
      [{ type: 'status', status: 500 }, '500 InternalError'],
      [{ type: 'status', status: 429 }, '429 TooManyRequests'],
      [{ type: 'status', status: 503, code: 'ServiceUnavailable' }, '503 ServiceUnavailable'],
    ] as const) {
      server.addFault({ fault })
      expect(await outcome(await read())).toBe(expected)
    }
    expect((await read()).status).toBe(200)
  })

  it('ignore-range', async () => {
    const answer = await receive({ type: 'ignore-range' }, { range: 'bytes=0-9' })
    expect([answer.status, answer.bytes.length, answer.headers['content-range']]).toEqual([
      200,
      100_000,
      undefined,
    ])
  })

  it('wrong-content-range', async () => {
    const answer = await receive({ type: 'wrong-content-range' }, { range: 'bytes=0-9' })
    expect([answer.status, answer.headers['content-range']]).toEqual([206, 'bytes 1-10/100000'])
    expect(answer.bytes).toEqual(body.subarray(0, 10))
  })

  it('wrong-checksum', async () => {
    const answer = await receive({ type: 'wrong-checksum' })
    expect(answer.bytes.equals(body)).toBe(true)
    expect(answer.headers['x-amz-checksum-crc32']).not.toBe(crcBase64(crc32(body, 0)))
    expect(answer.headers['x-amz-checksum-crc32']).toHaveLength(8)
  })

  it('replace, between two reads', async () => {
    const first = await read({ range: 'bytes=0-9' })
    const etag = first.headers.get('etag') ?? ''
    await first.arrayBuffer()
    server.addFault({ fault: { type: 'replace', body: 'quite another content' } })
    expect(await outcome(await read({ range: 'bytes=10-19', 'if-match': etag }))).toBe(
      '412 PreconditionFailed',
    )
    const now = await read()
    expect(now.headers.get('etag')).not.toBe(etag)
    expect(await now.text()).toBe('quite another content')
  })

  it('delay', async () => {
    const start = performance.now()
    const answer = await receive({ type: 'delay', ms: 120 })
    expect(answer.bytes.equals(body)).toBe(true)
    expect(performance.now() - start).toBeGreaterThanOrEqual(115)
  })

  it('no-headers', async () => {
    expect((await receive({ type: 'no-headers' }, { patience: 100 })).end).toBe('no answer')
  })

  it('slow', async () => {
    const start = performance.now()
    const answer = await receive({ type: 'slow', bytesPerSecond: 500_000 })
    expect(answer.bytes.equals(body)).toBe(true)
    expect(performance.now() - start).toBeGreaterThanOrEqual(150)
  })

  it('meet uploads while they come in', async () => {
    const big = pattern(3_000_000)
    const put = () => signedFetch(server, bucket, 'upload', { method: 'PUT', body: big })
    server.addFault({ match: { method: 'PUT' }, fault: { type: 'reset', afterBytes: 1_000_000 } })
    await expect(put()).rejects.toThrow()
    expect((await read({}, 'upload')).status).toBe(404)
    server.addFault({ match: { method: 'PUT' }, fault: { type: 'stall', afterBytes: 1000, ms: 30 } })
    expect((await put()).status).toBe(200)
    expect(Buffer.from(await (await read({}, 'upload')).arrayBuffer()).equals(big)).toBe(true)
  })

  it('meet answers that have no body', async () => {
    const head = () => signedFetch(server, bucket, 'object', { method: 'HEAD' })
    server.addFault({ fault: { type: 'reset', afterBytes: 0 } })
    await expect(head()).rejects.toThrow()
    expect((await head()).status).toBe(200)
  })
})

describe('rules', () => {
  const fault: Fault = { type: 'status', status: 503 }
  const statuses = async (count: number, headers: Record<string, string> = {}, key = 'object') => {
    const seen: number[] = []
    for (let i = 0; i < count; i++) {
      const answer = await read(headers, key)
      await answer.arrayBuffer()
      seen.push(answer.status)
    }
    return seen
  }

  it('leave some alone, then meet some', async () => {
    server.addFault({ fault, after: 2, times: 2 })
    expect(await statuses(6)).toEqual([200, 200, 503, 503, 200, 200])
  })

  it('go on for ever when told, until they are cleared', async () => {
    server.addFault({ fault, times: Number.POSITIVE_INFINITY })
    expect(await statuses(5)).toEqual([503, 503, 503, 503, 503])
    server.clearFaults()
    expect(await statuses(1)).toEqual([200])
  })

  it('take turns, one to a request', async () => {
    server.addFault({ fault })
    server.addFault({ fault: { type: 'status', status: 500 } })
    expect(await statuses(3)).toEqual([503, 500, 200])
    expect(server.requests.map((r) => [r.fault, r.status])).toEqual([
      ['status', 503],
      ['status', 500],
      [undefined, 200],
    ])
  })

  it('choose by method, bucket, key and range', async () => {
    const matches: [FaultRule['match'], boolean][] = [
      [{ method: 'get' }, true],
      [{ method: 'PUT' }, false],
      [{ bucket }, true],
      [{ bucket: 'other' }, false],
      [{ key: 'object' }, true],
      [{ key: 'obj' }, false],
      [{ key: /^obj/g }, true],
      [{ key: /x/ }, false],
      [{ range: true }, true],
      [{ range: false }, false],
      [{ method: 'GET', key: /t$/, range: true, bucket }, true],
      [{ method: 'GET', key: /t$/, range: false }, false],
    ]
    for (const [match, expected] of matches) {
      server.clearFaults()
      server.addFault({ fault, times: 2, ...(match ? { match } : {}) })
      expect(await statuses(2, { range: 'bytes=0-1' })).toEqual(expected ? [503, 503] : [206, 206])
    }
  })

  it('can be there from the start', async () => {
    await using own = await startS3Server({ buckets: [bucket], faults: [{ fault }] })
    expect((await signedFetch(own, bucket, '')).status).toBe(503)
    expect((await signedFetch(own, bucket, '')).status).toBe(200)
  })
})
