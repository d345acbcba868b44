import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Signature Version 4 as S3 uses it ("Authenticating Requests", S3 API reference): the arithmetic alone. */

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type Pairs = readonly (readonly [name: string, value: string])[]

/** What a signature covers. `path` and `query` are decoded; header names are lower case. */
export interface SignedParts {
  readonly method: string
  readonly path: string
  readonly query: Pairs
  /** Exactly the signed headers. */
  readonly headers: Pairs
  /** SHA-256 of the body in hex, or one of the `UNSIGNED-…` and `STREAMING-…` words. */
  readonly payload: string
}

/** When, where and with which key: everything of a signing key but the secret. */
export interface Scope {
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly date: string
  readonly region: string
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const UNSIGNED = 'UNSIGNED-PAYLOAD'

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** `YYYYMMDDTHHMMSSZ` of a time in milliseconds. */
export function amzDate(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
}

/** Milliseconds of a `YYYYMMDDTHHMMSSZ`, or `undefined` when it is not one. */
export function parseAmzDate(date: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second] = match
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

/** Percent-encodes everything but `A-Z a-z 0-9 - _ . ~`, in UTF-8. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

export function uriEncodePath(path: string): string {
  return path.split('/').map(uriEncode).join('/')
}

export function credentialScope(scope: Scope): string {
  return `${scope.date.slice(0, 8)}/${scope.region}/s3/aws4_request`
}

export function signingKey(secret: string, scope: Scope): Buffer {
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
  const steps = [scope.date.slice(0, 8), scope.region, 's3', 'aws4_request']
  return steps.reduce<Buffer>((key, data) => hmac(key, data), Buffer.from(`AWS4${secret}`))
}

/** Signing keys of one secret; a day's key is made once. */
export function signingKeys(secret: string): (scope: Scope) => Buffer {
  let last: { readonly scope: string; readonly key: Buffer } | undefined
  return (scope) => {
    const name = credentialScope(scope)
    if (last?.scope !== name) last = { scope: name, key: signingKey(secret, scope) }
    return last.key
  }
}

export function canonicalRequest(parts: SignedParts): string {
  const query = parts.query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
  const headers = [...parts.headers].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    parts.method,
    uriEncodePath(parts.path),
    query.sort(byNameThenValue).join('&'),
    ...headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    headers.map(([name]) => name).join(';'),
    parts.payload,
  ].join('\n')
}

/** Whole pairs would sort wrongly where one name begins with the other: `-` and `.` come before `=`. */
function byNameThenValue(a: string, b: string): number {
  const [nameA, nameB] = [a.slice(0, a.indexOf('=')), b.slice(0, b.indexOf('='))]
  if (nameA !== nameB) return nameA < nameB ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** The signature of a request, in hex. */
export function signature(parts: SignedParts, scope: Scope, key: Buffer): string {
  const text = [ALGORITHM, scope.date, credentialScope(scope), sha256Hex(canonicalRequest(parts))].join('\n')
  return hmacHex(key, text)
}

export function hmacHex(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

/** Takes the same time wherever the two differ. */
export function sameSignature(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'))
}
