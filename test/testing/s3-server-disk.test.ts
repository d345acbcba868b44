import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type S3Server, sign, startS3Server } from '../../src/testing/s3-server/index.js'
import { outcome, pattern, plainRequest, sdkClient, signedFetch } from '../s3/client.js'

const bucket = 'bucket'
let parent: string
let directory: string
let server: S3Server

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'dataplug-s3-'))
  directory = join(parent, 'data')
  server = await startS3Server({ directory, buckets: [bucket] })
})

afterEach(async () => {
  await server.close()
  await rm(parent, { recursive: true })
})

const put = (key: string, body: Uint8Array, headers = {}) =>
  signedFetch(server, bucket, key, { method: 'PUT', body, headers })
const get = (key: string, headers = {}) => signedFetch(server, bucket, key, { headers })
const temporary = async () => {
  const folders = await readdir(join(directory, '.dataplug/tmp'))
  return (await Promise.all(folders.map((name) => readdir(join(directory, '.dataplug/tmp', name))))).flat()
}

describe('objects on disk', () => {
  it('are plain files, and there again after a restart', async () => {
    const body = pattern(2_500_000)
    const { headers } = await put('a b/ü.bin', body, { 'content-type': 'x/y', 'x-amz-meta-colour': 'blue' })
    expect((await readFile(join(directory, bucket, 'a%20b%2F%C3%BC.bin'))).equals(body)).toBe(true)
    await server.close()
    server = await startS3Server({ directory })
    const answer = await get('a b/ü.bin')
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true)
    expect(answer.headers.get('etag')).toBe(headers.get('etag'))
    expect(answer.headers.get('content-type')).toBe('x/y')
    expect(answer.headers.get('x-amz-meta-colour')).toBe('blue')
  })

  it('give ranges of any length from any place', async () => {
    const body = pattern(5_000_000)
    await put('ranges', body)
    for (const [start, end] of [
      [0, 1],
      [262_144, 524_288],
      [1, 262_146],
      [1_048_575, 3_145_729],
      [4_999_999, 5_000_000],
      [0, 5_000_000],
    ] as const) {
      const answer = await get('ranges', { range: `bytes=${start}-${end - 1}` })
      expect(Buffer.from(await answer.arrayBuffer()).equals(body.subarray(start, end))).toBe(true)
    }
  })

  it('can be put there by hand, linked and changed', async () => {
    const path = join(parent, 'elsewhere.txt')
    await writeFile(path, 'by hand')
    await link(path, join(directory, bucket, 'linked.txt'))
    const first = await get('linked.txt')
    expect(await first.text()).toBe('by hand')
    expect(first.headers.get('content-length')).toBe('7')
    await writeFile(path, 'by hand, changed')
    const second = await get('linked.txt')
    expect(await second.text()).toBe('by hand, changed')
    expect(second.headers.get('etag')).not.toBe(first.headers.get('etag'))
    expect(await (await signedFetch(server, bucket, '')).text()).toContain('<Key>linked.txt</Key>')
  })

  it('lose their facts when their file is changed behind the back of the server', async () => {
    const { headers } = await put('changed', Buffer.from('before'), { 'content-type': 'x/y' })
    await writeFile(join(directory, bucket, 'changed'), 'after it')
    const answer = await get('changed')
    expect(await answer.text()).toBe('after it')
    expect(answer.headers.get('etag')).not.toBe(headers.get('etag'))
  })

  it('stay whole for a reader while they are replaced', async () => {
    const body = pattern(20_000_000)
    await put('replaced', body)
    server.addFault({ match: { method: 'GET' }, fault: { type: 'stall', afterBytes: 1_000_000, ms: 100 } })
    const reading = await get('replaced')
    await put('replaced', Buffer.from('new'))
    expect(Buffer.from(await reading.arrayBuffer()).equals(body)).toBe(true)
    expect(await (await get('replaced')).text()).toBe('new')
  })

  it('leave nothing behind when an upload is refused or breaks off', async () => {
    await put('broken', pattern(10), { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' })
    server.addFault({ match: { method: 'PUT' }, fault: { type: 'reset', afterBytes: 100_000 } })
    await expect(put('broken', pattern(1_000_000))).rejects.toThrow()
    expect((await get('broken')).status).toBe(404)
    expect(await readdir(join(directory, bucket))).toEqual([])
    await expect.poll(temporary).toEqual([])
  })

  it('are put together from parts, which are then gone', async () => {
    const s3 = sdkClient(server)
    const target = { Bucket: bucket, Key: 'parts' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target))
    const bodies = [pattern(5 * 1024 * 1024), pattern(1000, 2)]
    const Parts = []
    for (const [i, Body] of bodies.entries()) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: i + 1, Body }))
      Parts.push({ PartNumber: i + 1, ETag })
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }))
    s3.destroy()
    expect((await readFile(join(directory, bucket, 'parts'))).equals(Buffer.concat(bodies))).toBe(true)
    expect(await temporary()).toEqual([])
  })

  it('may have long keys', async () => {
    const keys = [`${'é'.repeat(500)}a`, `${'é'.repeat(500)}b`]
    for (const key of keys) await put(key, Buffer.from(key))
    for (const key of keys) expect(await (await get(key)).text()).toBe(key)
    const listed = await (await signedFetch(server, bucket, '')).text()
    for (const key of keys) expect(listed).toContain(`<Key>${key}</Key>`)
  })
})

describe('keys', () => {
  it.each([
    '../../escaped',
    '..',
    '.',
    './x',
    '/absolute',
    '../bucket/x',
    'a/../../../escaped',
    '%2e%2e/%2e%2e/escaped',
    '..\\..\\escaped',
    '.dataplug/meta',
    'nul\0byte',
  ])('cannot leave the directory: %j', async (key) => {
    const body = Buffer.from(`of ${key}`)
    // `fetch` would tidy the path up before it is sent.
    const { url, headers } = sign({ ...server, bucket, key, method: 'PUT', body })
    const raw = url.slice(server.endpoint.length)
    const written = await plainRequest(server.endpoint, raw, {
      method: 'PUT',
      headers: { ...headers, 'content-length': String(body.length) },
      body,
    })
    expect(written.status).toBe(200)
    const reading = sign({ ...server, bucket, key })
    const read = await plainRequest(server.endpoint, raw, { headers: reading.headers })
    expect(read.body).toEqual(body)
    expect(await readdir(parent)).toEqual(['data'])
    expect((await readdir(directory)).sort()).toEqual(['.dataplug', bucket])
    expect(await readdir(join(directory, bucket))).toHaveLength(1)
    expect(await readdir(join(directory, '.dataplug/meta'))).toEqual([bucket])
    expect(await readdir(join(directory, '.dataplug/meta', bucket))).toHaveLength(1)
  })

  it('sent with encoded dots are those dots', async () => {
    await using open = await startS3Server({ directory, credentials: false })
    for (const path of [
      '/bucket/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
      '/bucket/../../../etc/passwd',
      '/../etc/passwd',
    ]) {
      expect((await plainRequest(open.endpoint, path)).status).toBe(404)
    }
    expect((await plainRequest(open.endpoint, '/.dataplug/meta')).status).toBe(404)
  })
})

describe('buckets', () => {
  it('are folders', async () => {
    await mkdir(join(directory, 'by-hand'))
    await mkdir(join(directory, 'Not_A_Bucket'))
    const listed = await (await signedFetch(server, '', '')).text()
    expect([...listed.matchAll(/<Name>([^<]*)/g)].map((m) => m[1])).toEqual([bucket, 'by-hand'])
    expect(await outcome(await signedFetch(server, 'by-hand', '', { method: 'DELETE' }))).toBe('204')
    await expect(stat(join(directory, 'by-hand'))).rejects.toThrow()
  })
})
