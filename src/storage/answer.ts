import { DataplugError, type ErrorCode } from '../errors.js'
import type { Range } from '../range.js'
import { longBody, shortBody } from './deliver.js'
import type { ObjectInfo } from './store.js'
import { displayUri } from './uri.js'

const DATE_TAG = 'modified:'

/** Stands in for an ETag where a server sends none, or only a weak one. */
export function dateTag(lastModified: string, size: number): string {
  return `${DATE_TAG}${lastModified};size=${size}`
}

export function isDateTag(etag: string): boolean {
  return etag.startsWith(DATE_TAG)
}

/** What a server said about a ranged GET, before its body. */
export interface Answer {
  readonly status: number
  readonly contentRange: string | undefined
  readonly contentLength: number | undefined
  /** Names of the object's state that the response supports, best first, given its size. */
  readonly tags: (size: number) => readonly string[]
}

/**
 * The state of the object, if this is the answer to a read of exactly `range` of exactly that state.
 *
 * @param ifMatch must be among the answer's tags; without one the best tag is taken
 * @param missing what to do when headers are absent
 * @throws RANGE_IGNORED, OBJECT_CHANGED, RANGE_OUTSIDE_OBJECT, SHORT_BODY, UNSUPPORTED
 */
export function checkAnswer(
  uri: string,
  range: Range,
  ifMatch: string | undefined,
  answer: Answer,
  missing: string,
): ObjectInfo {
  const [start, end] = range
  const fail = (code: ErrorCode, text: string) =>
    new DataplugError(code, `${displayUri(uri)}: ${text}`, { uri, offset: start })
  if (answer.status !== 206) {
    const text = `a read of bytes ${start}-${end} was answered with status ${answer.status} instead of 206`
    throw fail('RANGE_IGNORED', `${text}; the server does not serve ranges of this object`)
  }
  if (answer.contentRange === undefined)
    throw fail('RANGE_IGNORED', `a 206 without Content-Range. ${missing}`)
  const match = /^\s*bytes\s+(\d+)-(\d+)\/(\d+)\s*$/i.exec(answer.contentRange)
  const [first, last, size] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])]
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || !Number.isSafeInteger(size)) {
    throw fail('RANGE_IGNORED', `cannot use Content-Range "${answer.contentRange}"`)
  }
  const tags = answer.tags(size)
  const etag = ifMatch ?? tags[0]
  if (etag === undefined) {
    throw fail('UNSUPPORTED', `no ETag and no Last-Modified, so a change would go unnoticed. ${missing}`)
  }
  if (!tags.includes(etag)) {
    const found = tags.find((tag) => isDateTag(tag) === isDateTag(etag))
    if (found === undefined) throw fail('UNSUPPORTED', `the response does not tell its ETag. ${missing}`)
    throw objectChanged(uri, etag, found)
  }
  if (size < end) throw outside(uri, range, size)
  if (first !== start || last !== end - 1) {
    const text = `a read of bytes ${start}-${end} was answered with "${answer.contentRange}" (its end included)`
    throw fail('RANGE_IGNORED', text)
  }
  const length = answer.contentLength ?? end - start
  if (length < end - start) throw shortBody(uri, range, start + length)
  if (length > end - start) throw longBody(uri, range)
  return { uri, size, etag }
}

export function objectChanged(uri: string, expected: string | undefined, found?: string): DataplugError {
  const wanted = expected === undefined ? '' : `: ETag ${expected} expected`
  const seen = found === undefined ? '' : `, ${found} found`
  return new DataplugError(
    'OBJECT_CHANGED',
    `${displayUri(uri)} is no longer the object that was opened${wanted}${seen}; open it again`,
    { uri },
  )
}

export function outside(uri: string, [start, end]: Range, size?: number): DataplugError {
  const fact = size === undefined ? '' : `, which has ${size} bytes`
  return new DataplugError(
    'RANGE_OUTSIDE_OBJECT',
    `bytes ${start}-${end} do not lie inside ${displayUri(uri)}${fact}`,
    { uri, offset: start },
  )
}

/** The total of a 416's `bytes * /total`. */
export function totalOf(contentRange: string | null): number | undefined {
  const match = /^\s*bytes\s+\*\/(\d+)\s*$/i.exec(contentRange ?? '')
  return match ? Number(match[1]) : undefined
}

/** Why nothing can be written there, and what to do about it. */
export function readOnly(uri: string, why: string, cause?: unknown): DataplugError {
  const hint = "name a place for the index with the `metadata` option, such as metadata: 's3://your-bucket/'"
  return new DataplugError('STORE_READ_ONLY', `cannot write ${displayUri(uri)}: ${why}; ${hint}`, {
    uri,
    cause,
  })
}

/** The code for a response status that means failure. */
export function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403 || status === 407) return 'ACCESS_DENIED'
  if (status === 404 || status === 410) return 'NOT_FOUND'
  if (status === 412) return 'OBJECT_CHANGED'
  if (status === 416) return 'RANGE_OUTSIDE_OBJECT'
  if (status === 408) return 'TIMEOUT'
  if (status === 429 || status === 503) return 'THROTTLED'
  if (status >= 500) return 'SERVER_ERROR'
  return 'UNSUPPORTED'
}
