import {
  ALGORITHM,
  amzDate,
  credentialScope,
  type Pairs,
  type S3Credentials,
  sha256Hex,
  signature,
  signingKey,
  UNSIGNED,
  uriEncode,
  uriEncodePath,
} from './sigv4.js'

interface Target {
  /** Default `GET`. */
  readonly method?: string
  /** Base URL of the server, such as `server.endpoint`. The bucket goes into the path. */
  readonly endpoint: string
  readonly bucket: string
  /** Decoded. Leave it out to address the bucket. */
  readonly key?: string
  /** Further query parameters, decoded; they are signed. */
  readonly query?: Readonly<Record<string, string>>
  readonly credentials: S3Credentials
  /** Default `us-east-1`. */
  readonly region?: string
  /** Time of signing in ms. Default: now. */
  readonly time?: number
}

export interface PresignOptions extends Target {
  /** Seconds for which the URL works. Default 900. */
  readonly expiresIn?: number
}

export interface SignOptions extends Target {
  /** Sent and signed. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** Its hash is signed; default: an empty body. A string stands for the value of `x-amz-content-sha256`. */
  readonly body?: Uint8Array | 'UNSIGNED-PAYLOAD'
}

/** A URL that works without credentials until it expires (SigV4 in the query, path-style). */
export function presign(options: PresignOptions): string {
  const { method = 'GET', credentials, region = 'us-east-1', time = Date.now(), expiresIn = 900 } = options
  const { url, path } = locate(options)
  const scope = { date: amzDate(time), region }
  const query: Pairs = [
    ...Object.entries(options.query ?? {}),
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${credentials.accessKeyId}/${credentialScope(scope)}`],
    ['X-Amz-Date', scope.date],
    ['X-Amz-Expires', String(expiresIn)],
    ...(credentials.sessionToken === undefined
      ? []
      : ([['X-Amz-Security-Token', credentials.sessionToken]] as const)),
    ['X-Amz-SignedHeaders', 'host'],
  ]
  const signed = signature(
    { method, path, query, headers: [['host', url.host]], payload: UNSIGNED },
    scope,
    signingKey(credentials.secretAccessKey, scope),
  )
  return `${url.origin}${uriEncodePath(path)}?${queryString(query)}&X-Amz-Signature=${signed}`
}

/** URL and headers of a signed request, ready for `fetch` (SigV4 in the `authorization` header, path-style). */
export function sign(options: SignOptions): { url: string; headers: Record<string, string> } {
  const {
    method = 'GET',
    credentials,
    region = 'us-east-1',
    time = Date.now(),
    body = new Uint8Array(),
  } = options
  const { url, path } = locate(options)
  const scope = { date: amzDate(time), region }
  const payload = typeof body === 'string' ? body : sha256Hex(body)
  const query = Object.entries(options.query ?? {})
  const headers: Record<string, string> = {
    ...options.headers,
    'x-amz-content-sha256': payload,
    'x-amz-date': scope.date,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  }
  const covered: Pairs = [['host', url.host], ...Object.entries(headers)]
  const signed = signature(
    { method, path, query, headers: covered, payload },
    scope,
    signingKey(credentials.secretAccessKey, scope),
  )
  const names = covered.map(([name]) => name).sort()
  headers.authorization =
    `${ALGORITHM} Credential=${credentials.accessKeyId}/${credentialScope(scope)}, ` +
    `SignedHeaders=${names.join(';')}, Signature=${signed}`
  const search = query.length > 0 ? `?${queryString(query)}` : ''
  return { url: `${url.origin}${uriEncodePath(path)}${search}`, headers }
}

function locate({ endpoint, bucket, key }: Target): { url: URL; path: string } {
  return { url: new URL(endpoint), path: `/${bucket}/${key ?? ''}` }
}

function queryString(query: Pairs): string {
  return query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).join('&')
}
