/**
 * Every error that dataplug raises on purpose carries one of these codes. Match on the code, never on
 * the message. An aborted call is not in the list: it rejects with its signal's own `reason`.
 */
export type ErrorCode =
  /** A parameter of a call is out of its domain. */
  | 'INVALID_ARGUMENT'
  /** A URI cannot be parsed, or leaves the root it must stay below. */
  | 'INVALID_URI'
  /** A feature, scheme or server behaviour is not available here. */
  | 'UNSUPPORTED'
  /** An optional package is not installed. */
  | 'MISSING_DEPENDENCY'
  /** No object, bucket or file under this URI. */
  | 'NOT_FOUND'
  /** The store refused: credentials missing, wrong, expired or without the permission. */
  | 'ACCESS_DENIED'
  /** The requested range does not lie inside the object. */
  | 'RANGE_OUTSIDE_OBJECT'
  /** The server answered a ranged read with something other than exactly that range. */
  | 'RANGE_IGNORED'
  /** ETag or size differ from those the caller pinned. */
  | 'OBJECT_CHANGED'
  /** A body ended before the promised number of bytes. */
  | 'SHORT_BODY'
  /** Bytes arrived but a checksum does not fit them. */
  | 'CHECKSUM_MISMATCH'
  /** Connection refused, reset or lost. */
  | 'NETWORK'
  /** No answer, or no further bytes, within the time-out. */
  | 'TIMEOUT'
  /** The server asked for fewer requests (429, 503 SlowDown). */
  | 'THROTTLED'
  /** Any other 5xx. */
  | 'SERVER_ERROR'
  /** Publishing was refused: no permission to write there. */
  | 'STORE_READ_ONLY'
  /** Publishing failed: no space left. */
  | 'STORE_FULL'
  /** The call needs an index and there is none. */
  | 'NOT_PREPROCESSED'
  /** The index belongs to another version of the object. */
  | 'STALE_INDEX'
  /** The index is malformed, truncated, damaged or of another version. */
  | 'INVALID_INDEX'
  /** A task or slice line does not have the documented shape. */
  | 'INVALID_SLICE'
  /** No format of this name (and version) is known here. */
  | 'UNKNOWN_FORMAT'
  /** The object's bytes are not what its format promises. */
  | 'MALFORMED_DATA'
  /** The bytes are not UTF-8 and text was asked for. */
  | 'INVALID_UTF8'
  /** A worker crashed, ran out of memory or could not be reached. */
  | 'WORKER_FAILED'

export interface ErrorFacts {
  /** The object (or index) concerned. */
  readonly uri?: string | undefined
  /** Byte offset in that object. */
  readonly offset?: number | undefined
  readonly cause?: unknown
}

// The query of a signed URL is a credential, and messages end up in logs.
const URL_WITH_QUERY = /\b(https?:\/\/[^\s?#"'<>]*)\?[^\s"'<>]*?(?=[;,:.)]*(?:$|[\s"'<>]))/gi

/**
 * The one error class of the library. `message` names the object, the offset and what to do; URLs stand in it
 * without their queries.
 */
export class DataplugError extends Error {
  override readonly name = 'DataplugError'
  readonly code: ErrorCode
  readonly uri: string | undefined
  readonly offset: number | undefined

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(
      message.replace(URL_WITH_QUERY, '$1'),
      facts.cause === undefined ? undefined : { cause: facts.cause },
    )
    this.code = code
    this.uri = facts.uri
    this.offset = facts.offset
  }

  /** Plain data, so that an error can cross a thread, a Lambda or a JSON line and be revived there. */
  toJSON(): SerialisedError {
    return {
      code: this.code,
      message: this.message,
      ...(this.uri === undefined ? {} : { uri: this.uri }),
      ...(this.offset === undefined ? {} : { offset: this.offset }),
    }
  }

  static fromJSON(json: SerialisedError): DataplugError {
    return new DataplugError(json.code, json.message, { uri: json.uri, offset: json.offset })
  }
}

export interface SerialisedError {
  readonly code: ErrorCode
  readonly message: string
  readonly uri?: string
  readonly offset?: number
}

/**
 * True for an error of this library, and of that code when one is given. It looks at `name` and `code`
 * rather than the class, so it also holds for errors raised by another copy of the package.
 */
export function isDataplugError(error: unknown, code?: ErrorCode): error is DataplugError {
  if (!(error instanceof Error) || error.name !== 'DataplugError') return false
  return code === undefined || (error as DataplugError).code === code
}

/** Codes that a second identical request may well not meet again. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NETWORK',
  'TIMEOUT',
  'THROTTLED',
  'SERVER_ERROR',
  'SHORT_BODY',
  'CHECKSUM_MISMATCH',
])

export function isTransient(error: unknown): boolean {
  return isDataplugError(error) && TRANSIENT.has(error.code)
}
