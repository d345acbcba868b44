import type { S3Request } from './request.js'

/**
 * What goes wrong. `afterBytes` and `bytes` count body bytes: of the answer, or, for `reset` and `stall` on a
 * PUT or POST, of the request.
 */
export type Fault =
  /** The connection is reset (TCP RST) once so many bytes have been sent. */
  | { readonly type: 'reset'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes: for `ms`, or until the client gives up. */
  | { readonly type: 'stall'; readonly afterBytes: number; readonly ms?: number }
  /** This status instead of an answer. `code` defaults to S3's for 503, 500 and 429. */
  | { readonly type: 'status'; readonly status: number; readonly code?: string }
  /** Answers 200 and the whole object to a ranged read. */
  | { readonly type: 'ignore-range' }
  /** `Content-Length` promises everything, the connection ends in an orderly way after so many bytes. */
  | { readonly type: 'short-body'; readonly bytes: number }
  /** An `x-amz-checksum-crc32` that does not fit the bytes. */
  | { readonly type: 'wrong-checksum' }
  /** The object gets this content, and so another ETag, just before the request is looked at. */
  | { readonly type: 'replace'; readonly body: string | Uint8Array }
  /** The answer comes so much later. */
  | { readonly type: 'delay'; readonly ms: number }
  /** The request is read and never answered. */
  | { readonly type: 'no-headers' }
  /** A 206 whose `Content-Range` lies one byte further than what was asked for. */
  | { readonly type: 'wrong-content-range' }
  /** The body trickles. */
  | { readonly type: 'slow'; readonly bytesPerSecond: number }

/** All that is given must hold. */
export interface FaultMatch {
  readonly method?: string
  readonly bucket?: string
  /** The whole key, or a pattern found in it. */
  readonly key?: string | RegExp
  /** With or without a `Range` header. */
  readonly range?: boolean
}

/** A rule meets at most one request at a time: of several rules that match, the first that is due counts. */
export interface FaultRule {
  /** Default: every request but preflights. */
  readonly match?: FaultMatch
  /** How many requests it meets. Default 1; `Infinity` for all. */
  readonly times?: number
  /** How many matching requests it leaves alone first. Default 0. */
  readonly after?: number
  readonly fault: Fault
}

export interface FaultPlan {
  add(rule: FaultRule): void
  clear(): void
  /** The fault for this request, if one is due. */
  take(request: S3Request): Fault | undefined
}

export function faultPlan(rules: readonly FaultRule[] = []): FaultPlan {
  let states = rules.map(start)
  return {
    add: (rule) => void states.push(start(rule)),
    clear() {
      states = []
    },
    take(request) {
      let due: Fault | undefined
      for (const state of states) {
        if (!matches(state.rule.match, request)) continue
        // `after` counts what matches, whichever rule such a request falls to.
        if (state.skip > 0) state.skip--
        else if (!due && state.left > 0) {
          state.left--
          due = state.rule.fault
        }
      }
      return due
    },
  }
}

interface RuleState {
  readonly rule: FaultRule
  skip: number
  left: number
}

function start(rule: FaultRule): RuleState {
  return { rule, skip: rule.after ?? 0, left: rule.times ?? 1 }
}

function matches(match: FaultMatch = {}, request: S3Request): boolean {
  if (match.method === undefined && request.method === 'OPTIONS') return false
  if (match.method !== undefined && match.method.toUpperCase() !== request.method) return false
  if (match.bucket !== undefined && match.bucket !== request.bucket) return false
  if (match.range !== undefined && match.range !== (request.header('range') !== undefined)) return false
  if (match.key === undefined) return true
  // `search` starts at 0 whatever the pattern's flags, where `test` would go on from the last match.
  return typeof match.key === 'string' ? match.key === request.key : request.key.search(match.key) >= 0
}

const STATUS_CODES: Readonly<Record<number, string>> = {
  403: 'AccessDenied',
  404: 'NoSuchKey',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'SlowDown',
}

/** The error code that goes with the status. */
export function statusCode(fault: Extract<Fault, { type: 'status' }>): string {
  return fault.code ?? STATUS_CODES[fault.status] ?? 'InternalError'
}
