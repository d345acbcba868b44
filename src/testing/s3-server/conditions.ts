import { S3Error } from './errors.js'

export type HeaderOf = (name: string) => string | undefined

interface State {
  readonly etag: string
  /** Milliseconds. */
  readonly modified: number
}

/**
 * The preconditions of a read, in the order of RFC 9110 section 13.2.2. A list of ETags may be quoted or not.
 * @returns `not-modified` when the answer is 304. @throws PreconditionFailed
 */
export function checkRead(header: HeaderOf, state: State, prefix = ''): 'read' | 'not-modified' {
  const [match, noneMatch] = [header(`${prefix}if-match`), header(`${prefix}if-none-match`)]
  const [modified, unmodified] = [
    header(`${prefix}if-modified-since`),
    header(`${prefix}if-unmodified-since`),
  ]
  if (match !== undefined) {
    if (!lists(match, state.etag)) throw failed('If-Match')
  } else if (
    unmodified !== undefined &&
    seconds(state.modified) > dateOf(unmodified, Number.POSITIVE_INFINITY)
  ) {
    throw failed('If-Unmodified-Since')
  }
  if (noneMatch !== undefined) return lists(noneMatch, state.etag) ? 'not-modified' : 'read'
  if (modified !== undefined && seconds(state.modified) <= dateOf(modified, Number.NEGATIVE_INFINITY)) {
    return 'not-modified'
  }
  return 'read'
}

/** True when a range counts: there is no `If-Range`, or it names this very state (RFC 9110 section 13.1.5). */
export function rangeHolds(ifRange: string | undefined, state: State): boolean {
  if (ifRange === undefined) return true
  if (/^(W\/)?"/.test(ifRange)) return ifRange === `"${state.etag}"`
  return seconds(state.modified) === dateOf(ifRange, Number.NaN)
}

/** The preconditions of a write. @throws PreconditionFailed, NoSuchKey, NotImplemented */
export function checkWrite(header: HeaderOf, state: State | undefined): void {
  const [match, noneMatch] = [header('if-match'), header('if-none-match')]
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw new S3Error('NotImplemented', 'Writes take If-None-Match with the value * only')
  }
  if (noneMatch !== undefined && state) throw failed('If-None-Match')
  if (match === undefined) return
  if (!state) throw new S3Error('NoSuchKey')
  if (!lists(match, state.etag)) throw failed('If-Match')
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { details: { Condition: condition } })
}

function lists(header: string, etag: string): boolean {
  return header.split(',').some((item) => {
    const value = item.trim()
    return value === '*' || value === etag || value === `"${etag}"`
  })
}

/** HTTP dates have no fractions. */
function seconds(time: number): number {
  return Math.floor(time / 1000)
}

function dateOf(header: string, otherwise: number): number {
  const time = Date.parse(header)
  return Number.isNaN(time) ? otherwise : time / 1000
}
