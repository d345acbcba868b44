import { DataplugError, type ErrorCode } from '../errors.js'
import type { Range } from '../range.js'
import { codeOfStatus, objectChanged, outside, readOnly } from './answer.js'
import { parseS3Prefix } from './uri.js'

export interface S3Call {
  readonly uri: string
  readonly operation: 'read' | 'write' | 'list'
  readonly range?: Range
  readonly ifMatch?: string | undefined
  /** The custom endpoint, if any. */
  readonly endpoint: string | undefined
}

/** The fields of an SDK error that are worth anything; every one may be absent. */
interface Facts {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly status: number | undefined
}

const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError'])
const DENIED: ReadonlyMap<string, string> = new Map([
  [
    'InvalidAccessKeyId',
    'the server does not know this access key id; check AWS_ACCESS_KEY_ID and the endpoint',
  ],
  [
    'SignatureDoesNotMatch',
    'the secret access key does not fit the access key id; check AWS_SECRET_ACCESS_KEY',
  ],
  ['ExpiredToken', 'the session token has expired; log in again'],
  ['TokenRefreshRequired', 'the session token has expired; log in again'],
  ['InvalidToken', 'the session token is not valid; check AWS_SESSION_TOKEN'],
  ['InvalidObjectState', 'the object is archived; restore it first'],
])
const NETWORK =
  /^(ECONN\w+|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EPROTO|HPE_\w+|ERR_(SSL|TLS)\w*|ERR_STREAM_PREMATURE_CLOSE|UNABLE_TO_\w+|CERT_\w+|\w*SELF_SIGNED\w*)$/

function factsOf(error: unknown): Facts {
  const record: Record<string, unknown> = typeof error === 'object' && error !== null ? { ...error } : {}
  const metadata = record.$metadata
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined
  const name = error instanceof Error ? error.name : ''
  return {
    name,
    code: typeof record.code === 'string' ? record.code : name,
    message: error instanceof Error ? error.message : String(error),
    status: typeof status === 'number' ? status : undefined,
  }
}

/** Makes an error of this library out of whatever the SDK threw. */
export function s3Error(error: unknown, call: S3Call, offset = call.range?.[0]): DataplugError {
  if (error instanceof DataplugError) return error
  const { uri } = call
  const { bucket } = parseS3Prefix(uri)
  const { name, code, message, status } = factsOf(error)
  const at = call.endpoint === undefined ? '' : ` at ${call.endpoint}`
  const make = (kind: ErrorCode, text: string) =>
    new DataplugError(kind, `${uri}: ${text}`, { uri, offset, cause: error })

  if (name === 'NoSuchBucket') return make('NOT_FOUND', `there is no bucket "${bucket}"${at}`)
  if (name === 'NoSuchKey' || name === 'NotFound') {
    return make('NOT_FOUND', `the bucket "${bucket}"${at} has no such object`)
  }
  if (name === 'PreconditionFailed' || status === 412) return objectChanged(uri, call.ifMatch)
  if (name === 'InvalidRange' || status === 416) return outside(uri, call.range ?? [0, 1], sizeOf(error))
  if (NO_CREDENTIALS.has(name)) {
    const hint =
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or storage.s3.anonymous for a public bucket'
    return make('ACCESS_DENIED', `no credentials were found (${message}); ${hint}`)
  }
  const denied = DENIED.get(name)
  if (denied !== undefined) return make('ACCESS_DENIED', `${denied} (${name})`)
  // The SDK has corrected its clock by now, so the next attempt is signed right.
  if (name === 'RequestTimeTooSkewed') return make('SERVER_ERROR', "this machine's clock is wrong")
  if (
    /^(SlowDown|ServiceUnavailable|RequestLimitExceeded|BandwidthLimitExceeded|Throttl\w*|TooManyRequests\w*)$/.test(
      name,
    )
  ) {
    return make('THROTTLED', `the server asks for fewer requests (${name})`)
  }
  if (
    name === 'TimeoutError' ||
    name === 'RequestTimeout' ||
    code === 'ETIMEDOUT' ||
    code === 'ESOCKETTIMEDOUT'
  ) {
    return make('TIMEOUT', message)
  }
  if (message.startsWith('Checksum mismatch')) {
    return make(
      'CHECKSUM_MISMATCH',
      'the bytes that arrived do not fit the checksum the server sent with them',
    )
  }
  if (call.operation === 'write') {
    if (/Quota|StorageFull|InsufficientStorage/.test(name) || status === 507) {
      return make('STORE_FULL', `no space left (${name})`)
    }
    if (status === 403 || status === 405) return readOnly(uri, `the server refused (${name})`, error)
  }
  if (name === 'InvalidBucketName' || name === 'KeyTooLongError')
    return make('INVALID_URI', `${name}: ${message}`)
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || status === 301) {
    return make(
      'ACCESS_DENIED',
      `the bucket is in another region (${message}); set AWS_REGION or storage.s3.region`,
    )
  }
  if (status !== undefined && status >= 400) {
    const kind = codeOfStatus(status)
    const what = name === '' || name === 'Error' || name === 'UnknownError' ? `status ${status}` : name
    if (kind === 'ACCESS_DENIED') {
      return make(kind, `the server refused (${what}); these credentials may not ${call.operation} here`)
    }
    if (kind === 'NOT_FOUND') return make(kind, `does not exist${at} (${what})`)
    return make(kind, `the server answered ${what}: ${message}`)
  }
  if (NETWORK.test(code) || message === 'aborted') {
    return make('NETWORK', `${message}${at === '' || message.includes('://') ? '' : ` (${call.endpoint})`}`)
  }
  // An answer that is no S3 answer fails in the SDK's parser, with the response attached.
  return make(status === undefined ? 'NETWORK' : 'UNSUPPORTED', message)
}

function sizeOf(error: unknown): number | undefined {
  const size =
    typeof error === 'object' && error !== null && 'ActualObjectSize' in error
      ? error.ActualObjectSize
      : undefined
  return size === undefined || Number.isNaN(Number(size)) ? undefined : Number(size)
}
