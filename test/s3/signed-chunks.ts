import { createHash, createHmac } from 'node:crypto'
import type { S3Credentials } from '../../src/testing/s3-server/index.js'

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest()

interface Place {
  readonly endpoint: string
  readonly credentials: S3Credentials
  readonly bucket: string
  /** Needs no encoding. */
  readonly key: string
}

/**
 * A PUT whose chunks are signed one by one (STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or with a signed trailer),
 * put together from the specification alone, so that it can disagree with the server's own arithmetic.
 */
export function signedChunks(
  place: Place,
  chunks: readonly Uint8Array[],
  trailer: Record<string, string> = {},
) {
  const { endpoint, credentials, bucket, key } = place
  const url = new URL(`${endpoint}/${bucket}/${key}`)
  const trailerNames = Object.keys(trailer)
  const payload = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailerNames.length > 0 ? '-TRAILER' : ''}`
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`
  const signed: Record<string, string> = {
    host: url.host,
    'x-amz-content-sha256': payload,
    'x-amz-date': date,
    'x-amz-decoded-content-length': String(chunks.reduce((sum, chunk) => sum + chunk.length, 0)),
    ...(trailerNames.length > 0 ? { 'x-amz-trailer': trailerNames.join(',') } : {}),
  }
  const names = Object.keys(signed).sort()
  const canonical = [
    'PUT',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    payload,
  ].join('\n')
  const signingKey = [date.slice(0, 8), 'us-east-1', 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  )
  const seal = (lines: readonly string[]) => hmac(signingKey, lines.join('\n')).toString('hex')
  const seed = seal(['AWS4-HMAC-SHA256', date, scope, sha256(canonical)])

  let previous = seed
  const pieces: Buffer[] = []
  for (const chunk of [...chunks, new Uint8Array()]) {
    previous = seal(['AWS4-HMAC-SHA256-PAYLOAD', date, scope, previous, sha256(''), sha256(chunk)])
    pieces.push(
      Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`),
      Buffer.from(chunk),
    )
    if (chunk.length > 0) pieces.push(Buffer.from('\r\n'))
  }
  if (trailerNames.length > 0) {
    const lines = trailerNames.map((name) => `${name}:${trailer[name]}`)
    const signature = seal([
      'AWS4-HMAC-SHA256-TRAILER',
      date,
      scope,
      previous,
      sha256(`${lines.join('\n')}\n`),
    ])
    pieces.push(Buffer.from(`${lines.join('\r\n')}\r\nx-amz-trailer-signature:${signature}\r\n`))
  }
  pieces.push(Buffer.from('\r\n'))

  const authorization =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${seed}`
  // `fetch` sends the host by itself.
  const { host: _, ...headers } = signed
  const sent = { ...headers, 'content-encoding': 'aws-chunked', authorization }
  return { url: url.href, headers: sent, body: Buffer.concat(pieces) }
}
