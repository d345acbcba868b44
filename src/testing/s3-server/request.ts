import type { IncomingMessage } from 'node:http'
import { S3Error } from './errors.js'
import type { Pairs } from './sigv4.js'

/** What a request line and its headers say, decoded. */
export interface S3Request {
  readonly method: string
  /** Decoded path, as it is signed. */
  readonly path: string
  /** Empty for the list of all buckets. */
  readonly bucket: string
  /** Empty for the bucket itself. */
  readonly key: string
  readonly query: Pairs
  /** First value of a query parameter. */
  param(name: string): string | undefined
  header(name: string): string | undefined
  /** All values of all headers, joined by `,` as signatures want them. */
  readonly headers: Pairs
}

/** Path-style addresses: `/bucket/key`. @throws InvalidURI */
export function parseRequest(message: IncomingMessage): S3Request {
  const [rawPath = '/', ...rest] = (message.url ?? '/').split('?')
  const path = decode(rawPath)
  const query = parseQuery(rest.join('?'))
  const slash = path.indexOf('/', 1)
  const header = (name: string): string | undefined => {
    const value = message.headers[name]
    return Array.isArray(value) ? value.join(',') : value
  }
  return {
    method: message.method ?? 'GET',
    path,
    bucket: path.slice(1, slash < 0 ? undefined : slash),
    key: slash < 0 ? '' : path.slice(slash + 1),
    query,
    param: (name) => query.find(([n]) => n === name)?.[1],
    header,
    headers: Object.entries(message.headersDistinct).map(([name, values]) => [
      name,
      (values ?? []).join(','),
    ]),
  }
}

/** `+` is a space here, as S3 reads it; in paths it is a plus. */
function parseQuery(raw: string): Pairs {
  return raw
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
      return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))] as const
    })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidURI')
  }
}
