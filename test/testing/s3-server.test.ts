import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crc32, crcBase64 } from '../../src/testing/s3-server/crc32.js'
import { presign, type S3Server, startS3Server } from '../../src/testing/s3-server/index.js'
import { outcome, pattern, plainRequest, refusal, sdkClient, signedFetch } from '../s3/client.js'
import { signedChunks } from '../s3/signed-chunks.js'

/** What only our server promises; what every S3 server does is in test/s3/protocol.ts. */

const bucket = 'bucket'
let server: S3Server
let s3: S3Client

beforeAll(async () => {
  server = await startS3Server({ buckets: [bucket] })
  s3 = sdkClient(server)
})

afterAll(async () => {
  s3.destroy()
  await server.close()
})

const put = (Key: string, Body: Uint8Array | string) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))

describe('uploads with checksums', () => {
  it('take a stream of 100 MB with a CRC32 trailer, the default of the SDK', async () => {
    const block = pattern(1_000_000)
    let crc = 0
    for (let i = 0; i < 100; i++) crc = crc32(block, crc)
    const Body = Readable.from(
      (function* () {
        for (let i = 0; i < 100; i++) yield block
      })(),
    )
    const command = new PutObjectCommand({ Bucket: bucket, Key: 'big', Body, ContentLength: 100_000_000 })
    const answer = await s3.send(command)
    expect(answer.ChecksumCRC32).toBe(crcBase64(crc))
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'big', ChecksumMode: 'ENABLED' }))
    expect(head.ContentLength).toBe(100_000_000)
    expect(head.ChecksumCRC32).toBe(crcBase64(crc))
    expect(head.ContentEncoding).toBeUndefined()
    const part = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'big', Range: 'bytes=99999990-' }))
    expect(Buffer.from((await part.Body?.transformToByteArray()) ?? [])).toEqual(block.subarray(-10))
  })

  it('compare every kind of checksum that is sent along', async () => {
    const body = pattern(1000)
    const sums: Record<string, string> = {
      'x-amz-checksum-crc32': crcBase64(crc32(body, 0)),
      'x-amz-checksum-sha1': createHash('sha1').update(body).digest('base64'),
      'x-amz-checksum-sha256': createHash('sha256').update(body).digest('base64'),
    }
    const send = async (headers: Record<string, string>, bytes: Uint8Array = body) =>
      outcome(await signedFetch(server, bucket, 'sums', { method: 'PUT', headers, body: bytes }))
    for (const [name, value] of Object.entries(sums)) {
      expect(await send({ [name]: value })).toBe('200')
      expect(await send({ [name]: value }, pattern(1000, 2))).toBe('400 BadDigest')
      expect(await send({ [name]: 'AAA' })).toBe('400 InvalidRequest')
    }
    expect(await send({ 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' })).toBe('501 NotImplemented')
    expect(await send({ 'content-md5': 'not base64!' })).toBe('400 InvalidDigest')
  })

  it('check the trailer, its signature included', async () => {
    const chunks = [pattern(70_000, 3), pattern(5000, 4)]
    const crc = crcBase64(crc32(Buffer.concat(chunks), 0))
    const send = async (trailer: Record<string, string>, forge = (text: string) => text) => {
      const upload = signedChunks({ ...server, bucket, key: 'trailer' }, chunks, trailer)
      const body = Buffer.from(forge(upload.body.toString('latin1')), 'latin1')
      return outcome(await fetch(upload.url, { method: 'PUT', headers: upload.headers, body }))
    }
    expect(await send({ 'x-amz-checksum-crc32': crc })).toBe('200')
    expect(await send({ 'x-amz-checksum-crc32': 'AAAAAA==' })).toBe('400 BadDigest')
    expect(await send({ 'x-amz-checksum-crc32': 'AAAA' })).toBe('400 InvalidRequest')
    const forged = (text: string) => text.replace('x-amz-checksum-crc32:', 'x-amz-checksum-crc32:x')
    expect(await send({ 'x-amz-checksum-crc32': crc }, forged)).toBe('403 SignatureDoesNotMatch')
  })

  it('refuse bodies of another length than promised, and go on serving on that connection', async () => {
    const upload = signedChunks({ ...server, bucket, key: 'short' }, [pattern(1000)])
    const body = upload.body.subarray(0, 500)
    expect(await outcome(await fetch(upload.url, { method: 'PUT', headers: upload.headers, body }))).toBe(
      '400 IncompleteBody',
    )
    expect(await outcome(await signedFetch(server, bucket, 'short'))).toBe('404 NoSuchKey')
  })

  it('refuse a body of unknown length', async () => {
    const url = presign({ ...server, bucket, key: 'unknown', method: 'PUT' })
    const answer = await plainRequest(server.endpoint, url.slice(server.endpoint.length), {
      method: 'PUT',
      headers: { 'transfer-encoding': 'chunked' },
      body: pattern(10),
    })
    expect(answer.status).toBe(411)
  })

  it('answer before they have read everything when the bucket is missing', async () => {
    const answer = await signedFetch(server, 'no-bucket', 'x', { method: 'PUT', body: pattern(3_000_000) })
    expect(await outcome(answer)).toBe('404 NoSuchBucket')
  })

  it('hand the checksum out for whole objects only', async () => {
    const body = pattern(100)
    await put('crc', body)
    const headers = { 'x-amz-checksum-mode': 'ENABLED' }
    const whole = await signedFetch(server, bucket, 'crc', { headers })
    expect(whole.headers.get('x-amz-checksum-crc32')).toBe(crcBase64(crc32(body, 0)))
    await whole.arrayBuffer()
    const part = await signedFetch(server, bucket, 'crc', { headers: { ...headers, range: 'bytes=0-9' } })
    expect(part.headers.get('x-amz-checksum-crc32')).toBeNull()
    await part.arrayBuffer()
  })
})

describe('ranges', () => {
  it('tell the size with 416, and give the whole for what is no single range', async () => {
    await put('ten', '0123456789')
    const get = (range: string) => signedFetch(server, bucket, 'ten', { headers: { range } })
    const beyond = await get('bytes=10-')
    expect(beyond.headers.get('content-range')).toBe('bytes */10')
    expect(await outcome(beyond)).toBe('416 InvalidRange')
    for (const range of ['bytes=0-1,4-5', 'bytes=5-2', 'bytes=x-y', 'lines=0-1']) {
      const answer = await get(range)
      expect([answer.status, await answer.text()]).toEqual([200, '0123456789'])
    }
  })

  it('hold only for the state that If-Range names', async () => {
    const { ETag = '' } = await put('if-range', '0123456789')
    const get = async (ifRange: string) => {
      const headers = { range: 'bytes=0-1', 'if-range': ifRange }
      return (await signedFetch(server, bucket, 'if-range', { headers })).text()
    }
    expect(await get(ETag)).toBe('01')
    expect(await get('"other"')).toBe('0123456789')
    expect(await get(new Date(0).toUTCString())).toBe('0123456789')
  })
})

describe('listing', () => {
  it('pages through more than 1000 keys', async () => {
    const keys = Array.from({ length: 1100 }, (_, i) => `many-${String(i).padStart(5, '0')}`)
    const directory = await mkdtemp(join(tmpdir(), 'dataplug-s3-'))
    await using own = await startS3Server({ directory, buckets: [bucket] })
    for (const key of keys) writeFileSync(join(directory, bucket, key), key)
    const client = sdkClient(own)
    const pages: number[] = []
    const seen: (string | undefined)[] = []
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: 'many-' })) {
      pages.push(page.KeyCount ?? 0)
      seen.push(...(page.Contents ?? []).map((c) => c.Key))
    }
    client.destroy()
    await rm(directory, { recursive: true })
    expect(pages).toEqual([1000, 100])
    expect(seen).toEqual(keys)
  })

  it('knows the first version of the call', async () => {
    for (const key of ['v1/a', 'v1/b/1', 'v1/b/2', 'v1/c']) await put(key, key)
    const list = (Marker?: string) =>
      s3.send(new ListObjectsCommand({ Bucket: bucket, Prefix: 'v1/', Delimiter: '/', MaxKeys: 2, Marker }))
    const first = await list()
    expect(first.Contents?.map((c) => c.Key)).toEqual(['v1/a'])
    expect(first.CommonPrefixes?.map((p) => p.Prefix)).toEqual(['v1/b/'])
    const second = await list(first.NextMarker)
    expect(second.Contents?.map((c) => c.Key)).toEqual(['v1/c'])
    expect(second.IsTruncated).toBe(false)
  })

  it('refuses nonsense', async () => {
    const list = (query: Record<string, string>) =>
      signedFetch(server, bucket, '', { query: { 'list-type': '2', ...query } }).then(outcome)
    expect(await list({ 'max-keys': '-1' })).toBe('400 InvalidArgument')
    expect(await list({ 'continuation-token': 'made up' })).toBe('400 InvalidArgument')
    const none = await s3.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 0 }))
    expect([none.KeyCount, none.IsTruncated]).toEqual([0, false])
  })
})

describe('authentication', () => {
  const path = (url: string) => url.slice(server.endpoint.length)

  it('refuses presigned URLs with parameters missing, malformed or out of bounds', async () => {
    await put('auth', 'x')
    const url = presign({ ...server, bucket, key: 'auth' })
    const change = async (from: RegExp, to: string) => outcome(await fetch(url.replace(from, to)))
    expect(await change(/&X-Amz-Date=[^&]*/, '')).toBe('400 AuthorizationQueryParametersError')
    expect(await change(/(X-Amz-Date=)[^&]*/, '$1today')).toBe('400 AuthorizationQueryParametersError')
    expect(await change(/(X-Amz-Expires=)[^&]*/, '$1604801')).toBe('400 AuthorizationQueryParametersError')
    expect(await change(/(X-Amz-Expires=)[^&]*/, '$1-1')).toBe('400 AuthorizationQueryParametersError')
    expect(await change(/(X-Amz-Algorithm=)[^&]*/, '$1AWS4-HMAC-SHA512')).toBe(
      '400 AuthorizationQueryParametersError',
    )
    expect(await change(/(X-Amz-Signature=)[^&]*/, '$1short')).toBe('403 SignatureDoesNotMatch')
    expect(await outcome(await fetch(`${url}&more=1`))).toBe('403 SignatureDoesNotMatch')
    const future = presign({ ...server, bucket, key: 'auth', time: Date.now() + 3_600_000 })
    expect(await outcome(await fetch(future))).toBe('403 AccessDenied')
  })

  it('wants every x-amz- header signed', async () => {
    const url = presign({ ...server, bucket, key: 'auth' })
    expect(await outcome(await fetch(url, { headers: { 'x-amz-meta-a': '1' } }))).toBe('403 AccessDenied')
  })

  it('refuses other schemes and malformed headers', async () => {
    const get = async (authorization: string) =>
      outcome(await fetch(`${server.endpoint}/${bucket}/auth`, { headers: { authorization } }))
    expect(await get('AWS key:signature')).toBe('400 InvalidRequest')
    expect(await get('AWS4-HMAC-SHA256 nonsense')).toBe('400 AuthorizationHeaderMalformed')
    const fields = 'Credential=dataplug/x/y/s3/aws4_request, SignedHeaders=host, Signature=0'
    expect(await get(`AWS4-HMAC-SHA256 ${fields}`)).toBe('400 InvalidRequest')
  })

  it('knows session tokens and its region', async () => {
    const credentials = { accessKeyId: 'k', secretAccessKey: 's', sessionToken: 'token/+=' }
    await using own = await startS3Server({ buckets: [bucket], credentials, region: 'eu-west-1' })
    const list = (options: object) =>
      signedFetch(own, bucket, '', { credentials, region: 'eu-west-1', ...options })
    expect(await outcome(await list({}))).toBe('200')
    expect(await outcome(await list({ region: 'us-east-1' }))).toBe('400 AuthorizationHeaderMalformed')
    expect(await outcome(await list({ credentials: { ...credentials, sessionToken: 'old' } }))).toBe(
      '400 InvalidToken',
    )
    const { sessionToken: _, ...without } = credentials
    expect(await outcome(await list({ credentials: without }))).toBe('400 InvalidToken')
    const url = presign({ ...own, bucket, credentials, region: 'eu-west-1' })
    expect(await outcome(await fetch(url))).toBe('200')
  })

  it('is off on request', async () => {
    await using open = await startS3Server({ buckets: [bucket], credentials: false })
    const url = `${open.endpoint}/${bucket}/x`
    expect((await fetch(url, { method: 'PUT', body: 'open' })).status).toBe(200)
    expect(await (await fetch(url)).text()).toBe('open')
    const client = sdkClient(open)
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: 'sdk', Body: Readable.from(['ab']), ContentLength: 2 }),
    )
    expect(await (await fetch(`${open.endpoint}/${bucket}/sdk`)).text()).toBe('ab')
    client.destroy()
  })

  it('comes before the question whether something is there', async () => {
    expect(await outcome(await fetch(`${server.endpoint}/no-bucket/no-key`))).toBe('403 AccessDenied')
    expect((await plainRequest(server.endpoint, path(`${server.endpoint}/%zz`))).status).toBe(400)
  })
})

describe('requests out of line', () => {
  const send = async (method: string, key: string, query: Record<string, string> = {}) =>
    outcome(await signedFetch(server, bucket, key, { method, query }))

  it('are refused by name', async () => {
    expect(await send('GET', 'x', { acl: '' })).toBe('501 NotImplemented')
    expect(await send('GET', '', { versioning: '' })).toBe('501 NotImplemented')
    expect(await send('POST', 'x')).toBe('405 MethodNotAllowed')
    expect(await send('PUT', 'k'.repeat(1025))).toBe('400 KeyTooLongError')
    expect(await send('PUT', 'k'.repeat(1024))).toBe('200')
    expect(await outcome(await signedFetch(server, 'Not_A_Bucket', '', { method: 'PUT' }))).toBe(
      '400 InvalidBucketName',
    )
    expect(await send('PUT', 'x', { partNumber: '0', uploadId: 'x' })).toBe('400 InvalidArgument')
    expect(await send('GET', 'x', { uploadId: 'x' })).toBe('404 NoSuchUpload')
    const many = Buffer.from('<Delete>')
    const answer = await signedFetch(server, bucket, '', {
      method: 'POST',
      query: { delete: '' },
      body: many,
    })
    expect(await outcome(answer)).toBe('400 MalformedXML')
  })

  it('limit metadata', async () => {
    const headers = { 'x-amz-meta-a': 'x'.repeat(3000) }
    expect(await outcome(await signedFetch(server, bucket, 'm', { method: 'PUT', headers }))).toBe(
      '400 MetadataTooLarge',
    )
  })

  it('cannot write headers', async () => {
    await put('h', 'x')
    const query = { 'response-content-type': 'a\r\nset-cookie: b' }
    expect(await outcome(await signedFetch(server, bucket, 'h', { query }))).toBe('400 InvalidArgument')
  })

  it('complete uploads in ascending order only', async () => {
    const Key = 'order'
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
    const Parts: { PartNumber: number; ETag: string | undefined }[] = []
    for (const PartNumber of [2, 1]) {
      const part = { Bucket: bucket, Key, UploadId, PartNumber, Body: 'x' }
      Parts.push({ PartNumber, ETag: (await s3.send(new UploadPartCommand(part))).ETag })
    }
    const command = new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key,
      UploadId,
      MultipartUpload: { Parts },
    })
    expect(await refusal(s3.send(command))).toBe('400 InvalidPartOrder')
  })
})

describe('CORS', () => {
  it('is open to any page on request, errors included', async () => {
    await using open = await startS3Server({ buckets: [bucket], cors: true })
    const headers = { origin: 'http://localhost:1234' }
    await signedFetch(open, bucket, 'x', { method: 'PUT', body: Buffer.from('abc') })
    const read = await fetch(presign({ ...open, bucket, key: 'x' }), {
      headers: { ...headers, range: 'bytes=1-1' },
    })
    expect(await read.text()).toBe('b')
    expect(read.headers.get('access-control-allow-origin')).toBe('*')
    const exposed = read.headers.get('access-control-expose-headers')
    for (const name of ['ETag', 'Content-Range', 'Accept-Ranges', 'Content-Length'])
      expect(exposed).toContain(name)
    open.addFault({ fault: { type: 'status', status: 503 } })
    const failed = await fetch(`${open.endpoint}/${bucket}/x`, { headers })
    expect([failed.status, failed.headers.get('access-control-allow-origin')]).toEqual([503, '*'])
  })

  it('is off otherwise', async () => {
    const headers = { origin: 'http://localhost:1234', 'access-control-request-method': 'GET' }
    const answer = await fetch(`${server.endpoint}/${bucket}/x`, { method: 'OPTIONS', headers })
    expect(answer.status).toBe(403)
  })
})

describe('the server', () => {
  it('remembers what it was asked', async () => {
    await using own = await startS3Server({ buckets: [bucket] })
    const client = sdkClient(own)
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a b', Body: 'abcdef' }))
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a b', Range: 'bytes=1-3' }))
    await answer.Body?.transformToByteArray()
    await refusal(client.send(new GetObjectCommand({ Bucket: bucket, Key: 'no' })))
    client.destroy()
    expect(own.requests).toMatchObject([
      { method: 'PUT', bucket, key: 'a b', range: undefined, status: 200, bytes: 0 },
      {
        method: 'GET',
        bucket,
        key: 'a b',
        range: 'bytes=1-3',
        status: 206,
        bytes: 3,
        query: 'x-id=GetObject',
      },
      { method: 'GET', bucket, key: 'no', status: 404 },
    ])
  })

  it('ends everything at once when it is closed', async () => {
    const own = await startS3Server({ buckets: [bucket], faults: [{ fault: { type: 'no-headers' } }] })
    const hanging = refusal(signedFetch(own, bucket, 'x'))
    while (own.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await Promise.all([own.close(), own.close()])
    expect(await hanging).toMatch(/TypeError/)
    await expect(fetch(own.endpoint)).rejects.toThrow()
  })

  it('says why it cannot start', async () => {
    await expect(startS3Server({ port: server.port })).rejects.toMatchObject({ code: 'NETWORK' })
    await expect(startS3Server({ buckets: ['..'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
