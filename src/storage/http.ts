import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import { checkAnswer, codeOfStatus, dateTag, isDateTag, objectChanged, outside, totalOf } from './answer.js'
import type { HttpConfig, TimeoutConfig } from './config.js'
import { deliver, probe } from './deliver.js'
import { failure, openScope, type RequestScope, withDefaults } from './scope.js'
import type { ObjectInfo, ReadableStore, ReadOptions } from './store.js'
import { displayUri } from './uri.js'

export interface HttpStoreOptions extends HttpConfig {
  readonly timeouts?: TimeoutConfig | undefined
  /** Instead of the global one, for instance to go through a proxy. */
  readonly fetch?: typeof fetch
}

/**
 * Objects of any server that answers ranged GETs: static files, presigned S3 URLs, signed GCS URLs, Azure SAS.
 * HEAD is never sent, since presigned URLs reject it. Redirects are followed.
 *
 * The ETag is the server's own when it is strong. A server that sends none, or a weak one, is pinned by a tag
 * made of `Last-Modified` and size instead (`modified:<date>;size=<bytes>`), which misses a second change of
 * the same size within one second. Every response is compared with the pinned tag; a server with neither
 * header is refused.
 *
 * In a browser, a server of another origin must expose `ETag` and `Content-Range`
 * (`Access-Control-Expose-Headers`).
 */
export function httpStore(options: HttpStoreOptions = {}): ReadableStore {
  const { connectMs, responseMs, idleMs } = withDefaults(options.timeouts)
  const sendIfMatch = options.ifMatch ?? !inBrowser()

  async function get(uri: string, scope: RequestScope, headers: Record<string, string>): Promise<Response> {
    checkUrl(uri)
    // fetch does not tell connecting from waiting.
    scope.expect(connectMs + responseMs, 'no answer')
    const response = await (options.fetch ?? fetch)(uri, {
      // With a Range, fetch asks for the identity encoding by itself.
      headers: { ...options.headers, ...headers },
      signal: scope.signal,
      // Browsers let one request at a time into the cache entry of a URL.
      cache: 'no-store',
    })
    scope.relax()
    return response
  }

  function read(uri: string, range: Range, readOptions: ReadOptions) {
    const { ifMatch } = readOptions
    return deliver(uri, range, readOptions, {
      idleMs,
      async open(scope) {
        const pinned: Record<string, string> =
          ifMatch !== undefined && sendIfMatch && !isDateTag(ifMatch) ? { 'if-match': ifMatch } : {}
        const response = await get(uri, scope, { range: `bytes=${range[0]}-${range[1] - 1}`, ...pinned })
        if (!response.ok) {
          scope.expect(idleMs, 'no further bytes')
          await drain(response)
          throw statusError(response, uri, range, ifMatch)
        }
        const info = checkResponse(uri, range, ifMatch, response)
        const reader = response.body?.getReader()
        return { info, next: async () => (await reader?.read())?.value }
      },
      translate: (error, offset) => networkError(error, uri, offset),
    })
  }

  async function headOfEmpty(uri: string, signal: AbortSignal | undefined): Promise<ObjectInfo> {
    const scope = openScope(uri, signal)
    try {
      const response = await scope.orEnd(get(uri, scope, {})).catch((error: unknown) => {
        throw failure(scope, error, (cause) => networkError(cause, uri))
      })
      if (!response.ok) throw statusError(response, uri, [0, 0], undefined)
      if (response.headers.get('content-length') !== '0') throw objectChanged(uri, undefined)
      const etag = tagsOf(response)(0)[0]
      if (etag === undefined) {
        throw new DataplugError(
          'UNSUPPORTED',
          `${displayUri(uri)}: no ETag and no Last-Modified. ${EXPOSE}`,
          { uri },
        )
      }
      return { uri, size: 0, etag }
    } finally {
      scope.cancel()
      scope.close()
    }
  }

  return {
    head: async (uri, { signal } = {}) =>
      (await probe((range, onInfo) => read(uri, range, { signal, onInfo }))) ?? headOfEmpty(uri, signal),
    read: (uri, range, readOptions = {}) => read(uri, range, readOptions),
  }
}

function inBrowser(): boolean {
  return 'document' in globalThis || 'importScripts' in globalThis
}

const EXPOSE = inBrowser()
  ? 'To a page of another origin the server must expose ETag and Content-Range (Access-Control-Expose-Headers)'
  : 'The server must send Content-Range and ETag or Last-Modified'

function checkUrl(uri: string): void {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new DataplugError('INVALID_URI', `${displayUri(uri)} is not an http(s) URL`, { uri })
  }
  if (url.username !== '' || url.password !== '') {
    const hint = 'set an authorization header in storage.http.headers'
    throw new DataplugError(
      'INVALID_URI',
      `${displayUri(uri)}: user and password in a URL cannot be used; ${hint}`,
    )
  }
}

function checkResponse(
  uri: string,
  range: Range,
  ifMatch: string | undefined,
  response: Response,
): ObjectInfo {
  const { status, headers } = response
  const length = headers.get('content-length')
  // An empty object has no ranges; some servers then send all of it, which is nothing.
  if (status === 200 && length === '0') throw outside(uri, range, 0)
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding !== 'identity') {
    const hint = 'its ranges cannot be read; serve the stored bytes as they are'
    throw new DataplugError('UNSUPPORTED', `${displayUri(uri)} has Content-Encoding: ${encoding}; ${hint}`, {
      uri,
    })
  }
  const answer = {
    status,
    contentRange: headers.get('content-range') ?? undefined,
    contentLength: length === null ? undefined : Number(length),
    tags: tagsOf(response),
  }
  return checkAnswer(uri, range, ifMatch, answer, EXPOSE)
}

const SMALL_BODY = 1 << 16

/** Reads the page that comes with an error, so that the connection can be used again. */
async function drain(response: Response): Promise<void> {
  const reader = response.body?.getReader()
  for (let read = 0; reader && read < SMALL_BODY; ) {
    const { done, value } = await reader.read()
    if (done) return
    read += value.length
  }
}

function tagsOf({ headers }: Response): (size: number) => string[] {
  const etag = headers.get('etag') ?? ''
  const modified = headers.get('last-modified')
  return (size) => [
    ...(etag === '' || /^W\//i.test(etag) ? [] : [etag]),
    ...(modified === null ? [] : [dateTag(modified, size)]),
  ]
}

function statusError(
  response: Response,
  uri: string,
  range: Range,
  ifMatch: string | undefined,
): DataplugError {
  const code = codeOfStatus(response.status)
  const found = response.headers.get('etag') ?? undefined
  if (code === 'OBJECT_CHANGED') return objectChanged(uri, ifMatch, found)
  if (code === 'RANGE_OUTSIDE_OBJECT') {
    const strong = ifMatch !== undefined && !isDateTag(ifMatch)
    if (strong && found !== undefined && found !== ifMatch) return objectChanged(uri, ifMatch, found)
    return outside(uri, range, totalOf(response.headers.get('content-range')))
  }
  const said = `${response.status} ${response.statusText}`.trim()
  const make = (text: string) =>
    new DataplugError(code, `${displayUri(uri)}${text}`, { uri, offset: range[0] })
  if (code === 'NOT_FOUND') return make(` does not exist (${said})`)
  if (code === 'ACCESS_DENIED') {
    return make(`: ${said}; a signed URL may have expired, other credentials go into storage.http.headers`)
  }
  return make(`: the server answered ${said}`)
}

/** In Node, fetch rejects with a TypeError whose cause names the reason; browsers tell none. */
function networkError(error: unknown, uri: string, offset?: number): DataplugError {
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const what = cause instanceof Error ? cause.message || code : String(cause)
  const hint = inBrowser() ? '; if the server is up, its CORS rules may refuse this page' : ''
  return new DataplugError(
    /TIMEOUT|TIMEDOUT/.test(code) ? 'TIMEOUT' : 'NETWORK',
    `${displayUri(uri)}: ${what}${hint}`,
    {
      uri,
      offset,
      cause: error,
    },
  )
}
