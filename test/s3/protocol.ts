import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { presign, sign } from '../../src/testing/s3-server/index.js'
import { outcome, pattern, refusal, type S3Target, sdkClient, signedFetch } from './client.js'
import { signedChunks } from './signed-chunks.js'

const AWKWARD_KEYS = [
  'plain.txt',
  'folder/sub/file.txt',
  'with space.txt',
  'plus+and%percent%20.txt',
  'ünïcödé/データ/🧬.txt',
  'reserved!*\'();:@&=$,?#[]"<>.txt',
  'trailing/',
  'a//b',
  '~tilde-_.dots..txt',
]

/**
 * What an S3 server does, as far as dataplug relies on it. Run against our own server and against Ceph's, so
 * that what ours claims is what a real one does.
 */
export function s3Protocol(name: string, open: () => Promise<S3Target & { close(): Promise<void> }>): void {
  describe(`S3 protocol: ${name}`, () => {
    const bucket = 'dataplug-protocol'
    const body = pattern(1000)
    const md5 = createHash('md5').update(body).digest('hex')
    let target: S3Target & { close(): Promise<void> }
    let s3: S3Client
    const fetchKey = (key: string, options: Parameters<typeof signedFetch>[3] = {}) =>
      signedFetch(target, bucket, key, options)
    const get = (headers: Record<string, string>, key = 'object', method = 'GET') =>
      fetchKey(key, { headers, method })

    beforeAll(async () => {
      target = await open()
      s3 = sdkClient(target)
      await s3.send(new CreateBucketCommand({ Bucket: bucket }))
      await s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: 'object',
          Body: body,
          ContentType: 'text/x-test',
          Metadata: { colour: 'blue' },
        }),
      )
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'empty', Body: '' }))
    }, 60_000)

    afterAll(async () => {
      s3.destroy()
      await target.close()
    })

    describe('buckets', () => {
      it('lists, creates, finds and deletes', async () => {
        const Bucket = 'dataplug-second'
        expect(await refusal(s3.send(new HeadBucketCommand({ Bucket })))).toMatch(/^404/)
        await s3.send(new CreateBucketCommand({ Bucket }))
        await s3.send(new HeadBucketCommand({ Bucket }))
        const { Buckets } = await s3.send(new ListBucketsCommand({}))
        expect(Buckets?.map((b) => b.Name)).toEqual(expect.arrayContaining([bucket, Bucket]))
        await s3.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))
        expect(await refusal(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('409 BucketNotEmpty')
        await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x' }))
        await s3.send(new DeleteBucketCommand({ Bucket }))
        expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe('404 NoSuchBucket')
      })

      it('tells a missing key from a missing bucket', async () => {
        expect(await outcome(await fetchKey('missing'))).toBe('404 NoSuchKey')
        expect(await outcome(await signedFetch(target, 'dataplug-missing', 'object'))).toBe(
          '404 NoSuchBucket',
        )
        expect((await fetchKey('missing', { method: 'HEAD' })).status).toBe(404)
      })
    })

    describe('whole objects', () => {
      it('returns bytes, ETag, type and metadata', async () => {
        const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'object' }))
        expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? [])).toEqual(body)
        expect(answer.ETag).toBe(`"${md5}"`)
        expect(answer.ContentType).toBe('text/x-test')
        expect(answer.ContentLength).toBe(1000)
        expect(answer.Metadata).toEqual({ colour: 'blue' })
        expect(answer.AcceptRanges).toBe('bytes')
      })

      it('answers HEAD like GET', async () => {
        const answer = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'object' }))
        expect(answer.ETag).toBe(`"${md5}"`)
        expect(answer.ContentLength).toBe(1000)
        expect(answer.Metadata).toEqual({ colour: 'blue' })
        expect(answer.LastModified?.getTime()).toBeGreaterThan(Date.now() - 600_000)
      })

      it('overrides headers on request', async () => {
        const query = { 'response-content-type': 'text/plain', 'response-content-disposition': 'attachment' }
        const answer = await fetchKey('object', { query })
        expect(answer.headers.get('content-type')).toBe('text/plain')
        expect(answer.headers.get('content-disposition')).toBe('attachment')
        await answer.arrayBuffer()
      })

      it('copies and deletes', async () => {
        const CopySource = `${bucket}/object`
        await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy of it', CopySource }))
        const copy = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'copy of it' }))
        expect(Buffer.from((await copy.Body?.transformToByteArray()) ?? [])).toEqual(body)
        expect(copy.Metadata).toEqual({ colour: 'blue' })
        await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'copy of it' }))
        expect(await outcome(await fetchKey('copy of it'))).toBe('404 NoSuchKey')
        await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'copy of it' }))
      })

      it('deletes many at once', async () => {
        const keys = ['many/1', 'many/2 <&>', 'many/3']
        for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))
        const Objects = keys.slice(0, 2).map((Key) => ({ Key }))
        const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
        expect(Deleted?.map((d) => d.Key).sort()).toEqual(keys.slice(0, 2))
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'many/' }))
        expect(Contents?.map((c) => c.Key)).toEqual(['many/3'])
      })
    })

    describe('ranges', () => {
      it.each([
        ['bytes=0-0', 0, 1],
        ['bytes=0-99', 0, 100],
        ['bytes=100-199', 100, 200],
        ['bytes=999-999', 999, 1000],
        ['bytes=900-', 900, 1000],
        ['bytes=0-', 0, 1000],
        ['bytes=990-5000', 990, 1000],
        ['bytes=-1', 999, 1000],
        ['bytes=-100', 900, 1000],
        ['bytes=-1000', 0, 1000],
        ['bytes=-5000', 0, 1000],
      ])('%s is bytes [%d, %d)', async (range, start, end) => {
        const answer = await get({ range })
        expect(answer.status).toBe(206)
        expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/1000`)
        expect(answer.headers.get('content-length')).toBe(String(end - start))
        expect(answer.headers.get('etag')).toBe(`"${md5}"`)
        expect(Buffer.from(await answer.arrayBuffer())).toEqual(body.subarray(start, end))
      })

      it.each(['bytes=1000-', 'bytes=1000-1000', 'bytes=5000-6000'])('%s is 416', async (range) => {
        const answer = await get({ range })
        expect(await outcome(answer)).toBe('416 InvalidRange')
      })

      it('holds for HEAD', async () => {
        const answer = await get({ range: 'bytes=10-19' }, 'object', 'HEAD')
        expect(answer.status).toBe(206)
        expect(answer.headers.get('content-length')).toBe('10')
        expect(answer.headers.get('content-range')).toBe('bytes 10-19/1000')
      })

      it('has no range of an empty object', async () => {
        expect(await outcome(await get({ range: 'bytes=0-0' }, 'empty'))).toBe('416 InvalidRange')
        const whole = await get({}, 'empty')
        expect(whole.status).toBe(200)
        expect((await whole.arrayBuffer()).byteLength).toBe(0)
      })

      it('gives the SDK its range', async () => {
        const answer = await s3.send(
          new GetObjectCommand({ Bucket: bucket, Key: 'object', Range: 'bytes=10-19' }),
        )
        expect(answer.$metadata.httpStatusCode).toBe(206)
        expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? [])).toEqual(body.subarray(10, 20))
      })
    })

    describe('conditional reads', () => {
      const past = new Date(Date.now() - 86_400_000).toUTCString()
      const etag = `"${md5}"`
      const wrong = '"00000000000000000000000000000000"'

      it.each(['GET', 'HEAD'])('%s', async (method) => {
        const status = async (headers: Record<string, string>) =>
          (await get(headers, 'object', method)).status
        expect(await status({ 'if-match': etag })).toBe(200)
        expect(await status({ 'if-match': wrong })).toBe(412)
        expect(await status({ 'if-none-match': wrong })).toBe(200)
        expect(await status({ 'if-none-match': etag })).toBe(304)
        expect(await status({ 'if-modified-since': past })).toBe(200)
        expect(await status({ 'if-unmodified-since': past })).toBe(412)
      })

      it('hold for ranges', async () => {
        const matching = await get({ range: 'bytes=5-9', 'if-match': etag })
        expect(matching.status).toBe(206)
        expect(Buffer.from(await matching.arrayBuffer())).toEqual(body.subarray(5, 10))
        expect(await outcome(await get({ range: 'bytes=5-9', 'if-match': wrong }))).toBe(
          '412 PreconditionFailed',
        )
        expect(await outcome(await get({ range: 'bytes=5-9', 'if-none-match': etag }))).toBe('304')
      })

      it('speak of the new state once the object is replaced', async () => {
        const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'replaced', Body }))
        const first = (
          await s3
            .send(new HeadObjectCommand({ Bucket: bucket, Key: 'missing-as-yet' }))
            .catch(() => put('one'))
        ).ETag
        await put('two')
        expect(await outcome(await get({ 'if-match': first ?? '' }, 'replaced'))).toBe(
          '412 PreconditionFailed',
        )
      })
    })

    describe('authentication', () => {
      const wrongSecret = () => ({ ...target.credentials, secretAccessKey: 'not the secret' })

      it('refuses a wrong secret and an unknown key', async () => {
        expect(await outcome(await fetchKey('object', { credentials: wrongSecret() }))).toBe(
          '403 SignatureDoesNotMatch',
        )
        const credentials = { accessKeyId: 'NOBODY', secretAccessKey: 'x' }
        expect(await outcome(await fetchKey('object', { credentials }))).toBe('403 InvalidAccessKeyId')
        const client = sdkClient(target, wrongSecret())
        expect(await refusal(client.send(new GetObjectCommand({ Bucket: bucket, Key: 'object' })))).toBe(
          '403 SignatureDoesNotMatch',
        )
        client.destroy()
      })

      it('refuses strangers', async () => {
        expect(await outcome(await fetch(`${target.endpoint}/${bucket}/object`))).toBe('403 AccessDenied')
      })

      it('refuses clocks that are far off', async () => {
        const time = Date.now() - 3_600_000
        expect(await outcome(await fetchKey('object', { time }))).toBe('403 RequestTimeTooSkewed')
      })
    })

    describe('presigned URLs', () => {
      const url = (key: string, options: Partial<Parameters<typeof presign>[0]> = {}) =>
        presign({ endpoint: target.endpoint, credentials: target.credentials, bucket, key, ...options })

      it('read whole objects and ranges', async () => {
        const whole = await fetch(url('object'))
        expect(Buffer.from(await whole.arrayBuffer())).toEqual(body)
        const part = await fetch(url('object'), { headers: { range: 'bytes=7-8' } })
        expect(part.status).toBe(206)
        expect(Buffer.from(await part.arrayBuffer())).toEqual(body.subarray(7, 9))
      })

      it('are for one method', async () => {
        expect((await fetch(url('object'), { method: 'HEAD' })).status).toBe(403)
        expect((await fetch(url('object', { method: 'HEAD' }), { method: 'HEAD' })).status).toBe(200)
        const put = await fetch(url('presigned', { method: 'PUT' }), { method: 'PUT', body: 'new' })
        expect(put.status).toBe(200)
        expect(await (await fetch(url('presigned'))).text()).toBe('new')
      })

      it('are refused when tampered with', async () => {
        expect(await outcome(await fetch(url('object').replace('/object?', '/empty?')))).toBe(
          '403 SignatureDoesNotMatch',
        )
        expect(await outcome(await fetch(url('object').replace('Expires=900', 'Expires=901')))).toBe(
          '403 SignatureDoesNotMatch',
        )
        const credentials = { ...target.credentials, secretAccessKey: 'x' }
        expect(await outcome(await fetch(url('object', { credentials })))).toBe('403 SignatureDoesNotMatch')
      })

      it('expire', async () => {
        const old = { time: Date.now() - 120_000, expiresIn: 60 }
        expect(await outcome(await fetch(url('object', old)))).toBe('403 AccessDenied')
        expect((await fetch(url('object', { ...old, expiresIn: 600 }))).status).toBe(200)
      })
    })

    describe('keys', () => {
      it.each(AWKWARD_KEYS)('%s', async (key) => {
        const Body = Buffer.from(`content of ${key}`)
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `keys/${key}`, Body }))
        const sdk = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `keys/${key}` }))
        expect(Buffer.from((await sdk.Body?.transformToByteArray()) ?? [])).toEqual(Body)
        const { endpoint, credentials } = target
        const url = presign({ endpoint, credentials, bucket, key: `keys/${key}` })
        expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(Body)
        const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `keys/${key}` }))
        expect(listed.Contents?.[0]?.Key).toBe(`keys/${key}`)
      })
    })

    describe('listing', () => {
      const keys = [
        ...Array.from({ length: 12 }, (_, i) => `list/a/${i}`),
        'list/b',
        'list/c/x/1',
        'list/c/y',
        'list/é',
      ]
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      const list = (options: object) => s3.send(new ListObjectsV2Command({ Bucket: bucket, ...options }))

      beforeAll(async () => {
        for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))
      })

      it('comes in pages, in byte order', async () => {
        const seen: (string | undefined)[] = []
        let ContinuationToken: string | undefined
        for (let page = 0; page < 20; page++) {
          const answer = await list({ Prefix: 'list/', MaxKeys: 5, ContinuationToken })
          expect(answer.KeyCount).toBe(answer.Contents?.length ?? 0)
          seen.push(...(answer.Contents ?? []).map((c) => c.Key))
          ContinuationToken = answer.NextContinuationToken
          expect(answer.IsTruncated).toBe(ContinuationToken !== undefined)
          if (!answer.IsTruncated) break
        }
        expect(seen).toEqual(sorted)
      })

      it('gives size and ETag', async () => {
        const { Contents } = await list({ Prefix: 'list/b' })
        const etag = createHash('md5').update('list/b').digest('hex')
        expect(Contents).toMatchObject([{ Key: 'list/b', Size: 6, ETag: `"${etag}"` }])
      })

      it('folds folders', async () => {
        const answer = await list({ Prefix: 'list/', Delimiter: '/' })
        expect(answer.CommonPrefixes?.map((p) => p.Prefix)).toEqual(['list/a/', 'list/c/'])
        expect(answer.Contents?.map((c) => c.Key)).toEqual(['list/b', 'list/é'])
      })

      it('folds folders over pages', async () => {
        const seen: (string | undefined)[] = []
        let ContinuationToken: string | undefined
        do {
          const answer = await list({ Prefix: 'list/', Delimiter: '/', MaxKeys: 1, ContinuationToken })
          seen.push(
            ...(answer.CommonPrefixes ?? []).map((p) => p.Prefix),
            ...(answer.Contents ?? []).map((c) => c.Key),
          )
          ContinuationToken = answer.NextContinuationToken
        } while (ContinuationToken !== undefined && seen.length < 20)
        expect(seen).toEqual(['list/a/', 'list/b', 'list/c/', 'list/é'])
      })

      it('starts after a key', async () => {
        const { Contents } = await list({ Prefix: 'list/', StartAfter: 'list/b' })
        expect(Contents?.map((c) => c.Key)).toEqual(['list/c/x/1', 'list/c/y', 'list/é'])
      })

      it('encodes keys on request', async () => {
        const { Contents } = await list({ Prefix: 'list/é', EncodingType: 'url' })
        expect(decodeURIComponent(Contents?.[0]?.Key ?? '')).toBe('list/é')
      })
    })

    describe('multipart uploads', () => {
      const MiB = 1024 * 1024
      const Key = 'multi/part.bin'
      const start = async () =>
        (await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key, ContentType: 'a/b' })))
          .UploadId
      const part = async (UploadId: string | undefined, PartNumber: number, Body: Uint8Array) => ({
        PartNumber,
        ETag: (await s3.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body })))
          .ETag,
      })
      const complete = (
        UploadId: string | undefined,
        Parts: { PartNumber: number; ETag: string | undefined }[],
      ) =>
        s3.send(
          new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload: { Parts } }),
        )

      it('put parts together', async () => {
        const chunks = [pattern(5 * MiB, 2), pattern(6 * MiB, 3), pattern(1000, 4)]
        const UploadId = await start()
        const parts = []
        // In no order: parts are numbered, not queued.
        for (const n of [2, 1, 3]) parts.push(await part(UploadId, n, chunks[n - 1] ?? body))
        const listed = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))
        expect(listed.Parts?.map((p) => [p.PartNumber, p.Size])).toEqual([
          [1, 5 * MiB],
          [2, 6 * MiB],
          [3, 1000],
        ])
        await complete(
          UploadId,
          parts.sort((a, b) => a.PartNumber - b.PartNumber),
        )
        const md5s = chunks.map((chunk) => createHash('md5').update(chunk).digest())
        const etag = `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-3"`
        // RGW leaves the ETag out of its answer to Complete, so it is asked for.
        const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))
        expect(head).toMatchObject({ ETag: etag, ContentType: 'a/b', ContentLength: 11 * MiB + 1000 })
        const across = await get({ range: `bytes=${5 * MiB - 3}-${5 * MiB + 2}`, 'if-match': etag }, Key)
        expect(Buffer.from(await across.arrayBuffer())).toEqual(
          Buffer.concat([chunks[0]?.subarray(-3) ?? body, chunks[1]?.subarray(0, 3) ?? body]),
        )
        const whole = await get({}, Key)
        expect(Buffer.concat(chunks).equals(Buffer.from(await whole.arrayBuffer()))).toBe(true)
      })

      it('refuse small, wrong and missing parts', async () => {
        const UploadId = await start()
        const first = await part(UploadId, 1, body)
        const second = await part(UploadId, 2, body)
        expect(await refusal(complete(UploadId, [first, second]))).toBe('400 EntityTooSmall')
        const other = { ...second, ETag: '"00000000000000000000000000000000"' }
        expect(await refusal(complete(UploadId, [other]))).toBe('400 InvalidPart')
        expect(await refusal(complete(UploadId, [{ ...second, PartNumber: 3 }]))).toBe('400 InvalidPart')
        await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
        expect(await refusal(part(UploadId, 1, body))).toBe('404 NoSuchUpload')
      })
    })

    describe('writes', () => {
      const put = (headers: Record<string, string>, bytes: Uint8Array = body, key = 'written') =>
        fetchKey(key, { method: 'PUT', headers, body: bytes })

      it('check Content-MD5', async () => {
        const right = createHash('md5').update(body).digest('base64')
        expect(await outcome(await put({ 'content-md5': right }))).toBe('200')
        const wrong = createHash('md5').update('other').digest('base64')
        expect(await outcome(await put({ 'content-md5': wrong }))).toBe('400 BadDigest')
        expect(await outcome(await put({ 'content-md5': 'AAAA' }))).toBe('400 InvalidDigest')
      })

      it('check the signed hash of the body', async () => {
        const { endpoint, credentials } = target
        const { url, headers } = sign({ endpoint, credentials, bucket, key: 'forged', method: 'PUT', body })
        const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(1000) })
        expect(await outcome(answer)).toBe('400 XAmzContentSHA256Mismatch')
        expect((await fetchKey('forged')).status).toBe(404)
      })

      it('can be for new objects only', async () => {
        const key = 'only-once'
        await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
        expect((await put({ 'if-none-match': '*' }, body, key)).status).toBe(200)
        expect(await outcome(await put({ 'if-none-match': '*' }, body, key))).toBe('412 PreconditionFailed')
      })

      it('take chunks that are signed one by one', async () => {
        const { endpoint, credentials } = target
        const chunks = [pattern(65_536, 5), pattern(10_000, 6)]
        const upload = signedChunks({ endpoint, credentials, bucket, key: 'chunked' }, chunks)
        const answer = await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: upload.body })
        expect(await outcome(answer)).toBe('200')
        const back = await fetchKey('chunked')
        expect(Buffer.from(await back.arrayBuffer()).equals(Buffer.concat(chunks))).toBe(true)
      })

      it('refuse a chunk that was changed', async () => {
        const { endpoint, credentials } = target
        const upload = signedChunks({ endpoint, credentials, bucket, key: 'forged' }, [
          pattern(65_536, 5),
          body,
        ])
        upload.body[1000] = (upload.body[1000] ?? 0) ^ 1
        const answer = await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: upload.body })
        expect(await outcome(answer)).toMatch(/^403 SignatureDoesNotMatch/)
        expect((await fetchKey('forged')).status).toBe(404)
      })
    })

    describe('CORS', () => {
      it('answers preflights and shows what ranges need', async () => {
        const CORSRules = [
          {
            AllowedOrigins: ['https://example.org'],
            AllowedMethods: ['GET', 'HEAD'],
            AllowedHeaders: ['*'],
            ExposeHeaders: ['ETag', 'Content-Range'],
            MaxAgeSeconds: 60,
          },
        ]
        await s3.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }))
        const url = `${target.endpoint}/${bucket}/object`
        const ask = (origin: string) =>
          fetch(url, {
            method: 'OPTIONS',
            headers: {
              origin,
              'access-control-request-method': 'GET',
              'access-control-request-headers': 'range,if-match',
            },
          })
        const allowed = await ask('https://example.org')
        expect(allowed.status).toBe(200)
        expect(allowed.headers.get('access-control-allow-origin')).toBe('https://example.org')
        expect(allowed.headers.get('access-control-allow-methods')).toContain('GET')
        expect(allowed.headers.get('access-control-allow-headers')?.replaceAll(' ', '')).toBe(
          'range,if-match',
        )
        expect((await ask('https://example.com')).status).toBe(403)
        const read = await get({ origin: 'https://example.org', range: 'bytes=0-9' })
        expect(read.headers.get('access-control-allow-origin')).toBe('https://example.org')
        const exposed = read.headers.get('access-control-expose-headers') ?? ''
        expect(exposed.toLowerCase().replaceAll(' ', '').split(',')).toEqual(['etag', 'content-range'])
      })
    })
  })
}
