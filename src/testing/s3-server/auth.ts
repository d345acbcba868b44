import { S3Error } from './errors.js'
import type { S3Request } from './request.js'
import {
  ALGORITHM,
  parseAmzDate,
  type S3Credentials,
  type Scope,
  sameSignature,
  signature,
  UNSIGNED,
} from './sigv4.js'

const MAX_SKEW_MS = 15 * 60_000
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600

/** What the signature promises about the body. */
export interface Authorised {
  /** `x-amz-content-sha256`, or `UNSIGNED-PAYLOAD` when there is none. */
  readonly payload: string
  /** From which the signatures of the body's chunks go on; only for signed headers. */
  readonly seed?: { readonly signature: string; readonly scope: Scope; readonly key: Buffer }
}

export interface AuthOptions {
  readonly credentials: S3Credentials
  /** Signing keys of those credentials. */
  readonly keyOf: (scope: Scope) => Buffer
  /** When given, signatures for other regions are refused. */
  readonly region?: string | undefined
}

/** Checks the signature of a request, in its headers or its query. @throws the codes that S3 answers with. */
export function authorise(request: S3Request, options: AuthOptions, now: number = Date.now()): Authorised {
  const header = request.header('authorization')
  if (header !== undefined) return fromHeader(request, header, options, now)
  if (request.param('X-Amz-Algorithm') !== undefined) return fromQuery(request, options, now)
  if (request.param('Signature') !== undefined) throw unsupportedVersion()
  throw new S3Error('AccessDenied')
}

function fromHeader(request: S3Request, header: string, options: AuthOptions, now: number): Authorised {
  if (!header.startsWith(`${ALGORITHM} `)) throw unsupportedVersion()
  const fields = new Map(
    header
      .slice(ALGORITHM.length)
      .split(',')
      .map((field) => {
        const [name = '', ...value] = field.trim().split('=')
        return [name, value.join('=')] as const
      }),
  )
  const [credential, names, given] = [
    fields.get('Credential'),
    fields.get('SignedHeaders'),
    fields.get('Signature'),
  ]
  if (!credential || !names || !given) throw new S3Error('AuthorizationHeaderMalformed')
  const payload = request.header('x-amz-content-sha256')
  if (payload === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  const date = request.header('x-amz-date')
  const time = date === undefined ? undefined : parseAmzDate(date)
  if (date === undefined || time === undefined) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid x-amz-date header')
  }
  const scope = checkCredential(credential, date, options, 'AuthorizationHeaderMalformed')
  checkToken(request.header('x-amz-security-token'), options.credentials)
  if (Math.abs(now - time) > MAX_SKEW_MS) throw new S3Error('RequestTimeTooSkewed')
  const key = options.keyOf(scope)
  const headers = signedHeaders(request, names)
  const { method, path, query } = request
  if (!sameSignature(given, signature({ method, path, query, headers, payload }, scope, key))) {
    throw new S3Error('SignatureDoesNotMatch')
  }
  return { payload, seed: { signature: given, scope, key } }
}

function fromQuery(request: S3Request, options: AuthOptions, now: number): Authorised {
  const malformed = (message?: string) => new S3Error('AuthorizationQueryParametersError', message)
  const need = (name: string): string => {
    const value = request.param(name)
    if (!value) throw malformed(`Query-string authentication requires the parameter ${name}`)
    return value
  }
  if (need('X-Amz-Algorithm') !== ALGORITHM) throw malformed(`X-Amz-Algorithm only supports "${ALGORITHM}"`)
  const [credential, date, expires] = [need('X-Amz-Credential'), need('X-Amz-Date'), need('X-Amz-Expires')]
  const [names, given] = [need('X-Amz-SignedHeaders'), need('X-Amz-Signature')]
  const time = parseAmzDate(date)
  if (time === undefined) throw malformed('X-Amz-Date must be in the ISO8601 format "yyyyMMddTHHmmssZ"')
  if (!/^\d{1,9}$/.test(expires)) throw malformed('X-Amz-Expires should be a number')
  if (Number(expires) > MAX_EXPIRES_SECONDS)
    throw malformed('X-Amz-Expires must be less than a week (in seconds)')
  const scope = checkCredential(credential, date, options, 'AuthorizationQueryParametersError')
  checkToken(request.param('X-Amz-Security-Token'), options.credentials)
  if (time - now > MAX_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (now > time + Number(expires) * 1000) {
    const details = { Expires: new Date(time + Number(expires) * 1000).toISOString() }
    throw new S3Error('AccessDenied', 'Request has expired', { details })
  }
  const payload = request.header('x-amz-content-sha256') ?? request.param('X-Amz-Content-Sha256') ?? UNSIGNED
  const query = request.query.filter(([name]) => name !== 'X-Amz-Signature')
  const key = options.keyOf(scope)
  const headers = signedHeaders(request, names)
  const { method, path } = request
  if (!sameSignature(given, signature({ method, path, query, headers, payload }, scope, key))) {
    throw new S3Error('SignatureDoesNotMatch')
  }
  return { payload }
}

function checkCredential(
  credential: string,
  date: string,
  { credentials, region }: AuthOptions,
  malformed: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
): Scope {
  // Access keys may contain slashes, so the scope is counted from the end.
  const parts = credential.split('/')
  const [day, scopeRegion, service, terminator] = parts.slice(-4)
  if (parts.length < 5 || service !== 's3' || terminator !== 'aws4_request' || !scopeRegion) {
    throw new S3Error(
      malformed,
      'The credential is malformed; expecting "<key>/YYYYMMDD/REGION/s3/aws4_request"',
    )
  }
  if (parts.slice(0, -4).join('/') !== credentials.accessKeyId) throw new S3Error('InvalidAccessKeyId')
  if (region !== undefined && region !== scopeRegion) {
    const message = `The region '${scopeRegion}' is wrong; expecting '${region}'`
    throw new S3Error(malformed, message, { details: { Region: region } })
  }
  if (day !== date.slice(0, 8)) {
    throw new S3Error(malformed, `Invalid credential date "${day}"; it must be the day of "${date}"`)
  }
  return { date, region: scopeRegion }
}

function checkToken(given: string | undefined, { sessionToken }: S3Credentials): void {
  if (given !== sessionToken) throw new S3Error('InvalidToken')
}

/** All that carries meaning must be signed: the host and every `x-amz-` header. */
function signedHeaders(request: S3Request, names: string): readonly (readonly [string, string])[] {
  const signed = new Set(names.split(';'))
  const unsigned = request.headers.filter(
    ([name]) => !signed.has(name) && (name === 'host' || name.startsWith('x-amz-')),
  )
  if (unsigned.length > 0) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      details: { HeadersNotSigned: unsigned.map(([name]) => name).join(', ') },
    })
  }
  return [...signed].map((name) => [name, request.headers.find(([n]) => n === name)?.[1] ?? ''] as const)
}

function unsupportedVersion(): S3Error {
  return new S3Error(
    'InvalidRequest',
    `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  )
}
