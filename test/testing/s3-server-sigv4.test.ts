import { describe, expect, it } from 'vitest'
import { decodeChunks } from '../../src/testing/s3-server/chunked.js'
import { presign, sign } from '../../src/testing/s3-server/index.js'
import { canonicalRequest, signature, signingKey, uriEncodePath } from '../../src/testing/s3-server/sigv4.js'

/** The worked examples of the S3 API reference, "Authenticating Requests (AWS Signature Version 4)". */
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const scope = { date: '20130524T000000Z', region: 'us-east-1' }
const key = signingKey(credentials.secretAccessKey, scope)
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const host = ['host', 'examplebucket.s3.amazonaws.com'] as const
const date = ['x-amz-date', scope.date] as const
const hash = (value: string) => ['x-amz-content-sha256', value] as const

describe('signatures of the S3 reference', () => {
  it('GET Object', () => {
    const headers = [host, ['range', 'bytes=0-9'] as const, hash(EMPTY), date]
    const parts = { method: 'GET', path: '/test.txt', query: [], headers, payload: EMPTY }
    expect(signature(parts, scope, key)).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    )
  })

  it('PUT Object, with a key that needs encoding', () => {
    const payload = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'
    const headers = [
      ['date', 'Fri, 24 May 2013 00:00:00 GMT'] as const,
      host,
      hash(payload),
      date,
      ['x-amz-storage-class', 'REDUCED_REDUNDANCY'] as const,
    ]
    const parts = { method: 'PUT', path: '/test$file.text', query: [], headers, payload }
    expect(signature(parts, scope, key)).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    )
  })

  it('GET Bucket Lifecycle, with a parameter that has no value', () => {
    const headers = [host, hash(EMPTY), date]
    const parts = { method: 'GET', path: '/', query: [['lifecycle', '']] as const, headers, payload: EMPTY }
    expect(signature(parts, scope, key)).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    )
  })

  it('GET Bucket, with parameters to be sorted', () => {
    const query = [['prefix', 'J'] as const, ['max-keys', '2'] as const]
    const parts = { method: 'GET', path: '/', query, headers: [host, hash(EMPTY), date], payload: EMPTY }
    expect(signature(parts, scope, key)).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    )
  })

  it('presigned URL', () => {
    const query = [
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'],
      ['X-Amz-Date', scope.date],
      ['X-Amz-Expires', '86400'],
      ['X-Amz-SignedHeaders', 'host'],
    ] as const
    const parts = { method: 'GET', path: '/test.txt', query, headers: [host], payload: 'UNSIGNED-PAYLOAD' }
    expect(signature(parts, scope, key)).toBe(
      'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    )
  })

  it('chunked upload', async () => {
    const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
    const signed = [
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ]
    const body = [65_536, 1024, 0].map(
      (size, i) => `${size.toString(16)};chunk-signature=${signed[i]}\r\n${'a'.repeat(size)}\r\n`,
    )
    const decoded = async (text: string) => {
      let size = 0
      const chunks = decodeChunks(pieces(Buffer.from(text), 1000), { signature: seed, scope, key }, new Map())
      for await (const bytes of chunks) size += bytes.length
      return size
    }
    expect(await decoded(body.join(''))).toBe(66_560)
    await expect(decoded(body.join('').replace('a\r\n0;', 'b\r\n0;'))).rejects.toThrow(/signature/)
  })
})

describe('canonical requests', () => {
  it('encode keys once, and never the slash', () => {
    expect(uriEncodePath('/b/a b+c%/é/~-_.*')).toBe('/b/a%20b%2Bc%25/%C3%A9/~-_.%2A')
  })

  it('trim and collapse header values, and sort', () => {
    const headers = [['x-amz-b', '  one   two '] as const, ['host', 'h'] as const]
    const query = [['a-b', '1'] as const, ['a', '2'] as const, ['a', '1'] as const]
    const parts = { method: 'GET', path: '/', query, headers, payload: 'p' }
    expect(canonicalRequest(parts).split('\n')).toEqual([
      'GET',
      '/',
      'a=1&a=2&a-b=1',
      'host:h',
      'x-amz-b:one two',
      '',
      'host;x-amz-b',
      'p',
    ])
  })
})

it('presign and sign write what they say', () => {
  const place = {
    endpoint: 'http://127.0.0.1:9',
    bucket: 'b',
    key: 'a b/é+',
    credentials,
    time: 1_369_353_600_000,
  }
  const url = new URL(presign({ ...place, expiresIn: 60, query: { versionId: 'x y' } }))
  expect(url.pathname).toBe('/b/a%20b/%C3%A9%2B')
  expect(url.search).toContain('versionId=x%20y&')
  expect(url.searchParams.get('X-Amz-Date')).toBe('20130524T000000Z')
  expect(url.searchParams.get('X-Amz-Expires')).toBe('60')
  const { headers } = sign({ ...place, headers: { 'x-amz-meta-a': '1' } })
  expect(headers.authorization).toContain('SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a,')
})

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
