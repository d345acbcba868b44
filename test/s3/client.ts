import { request } from 'node:http'
import { S3Client } from '@aws-sdk/client-s3'
import type { S3Credentials } from '../../src/testing/s3-server/index.js'
import { type SignOptions, sign } from '../../src/testing/s3-server/index.js'

/** An S3 server under test. */
export interface S3Target {
  readonly endpoint: string
  readonly credentials: S3Credentials
  /** RGW 16 knows nothing of the SDK's default checksum trailers. */
  readonly checksums?: 'WHEN_REQUIRED' | 'WHEN_SUPPORTED'
}

export function sdkClient(target: S3Target, credentials: S3Credentials = target.credentials): S3Client {
  return new S3Client({
    endpoint: target.endpoint,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: target.checksums ?? 'WHEN_SUPPORTED',
  })
}

export type Raw = Partial<Omit<SignOptions, 'endpoint' | 'body'>> & { body?: Uint8Array }

/** A signed request by `fetch`, so that nothing of the SDK stands between the test and the bytes. */
export async function signedFetch(
  target: S3Target,
  bucket: string,
  key: string,
  options: Raw = {},
): Promise<Response> {
  const { url, headers } = sign({
    endpoint: target.endpoint,
    credentials: target.credentials,
    bucket,
    key,
    ...options,
  })
  const { method = 'GET', body } = options
  return fetch(url, { method, headers, ...(body ? { body: Buffer.from(body) } : {}) })
}

/** Status and error code of an answer. */
export async function outcome(response: Response): Promise<string> {
  const text = await response.text()
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1]
  return code ? `${response.status} ${code}` : String(response.status)
}

/** The name and status of the error that the SDK throws. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no error'
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
    return `${$metadata?.httpStatusCode} ${name}`
  }
}

export interface PlainAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

/** A request whose path goes out exactly as given, `..` and all. */
export function plainRequest(
  endpoint: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {},
): Promise<PlainAnswer> {
  const { hostname, port } = new URL(endpoint)
  return new Promise((resolve, reject) => {
    const message = request(
      {
        host: hostname,
        port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      },
    )
    message.on('error', reject)
    message.end(options.body)
  })
}

/** `length` bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
