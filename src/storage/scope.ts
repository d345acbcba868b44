import { DataplugError } from '../errors.js'
import { onAbort } from './abort.js'
import type { TimeoutConfig } from './config.js'
import { displayUri } from './uri.js'

/** A process that was held up has its timers called before the bytes that came meanwhile: they get this long. */
const GRACE_MS = 100

export const DEFAULT_TIMEOUTS = { connectMs: 10_000, responseMs: 30_000, idleMs: 30_000 } as const

/**
 * The life of one request: ended by the caller's signal, by a deadline, or by `cancel`. Everything the
 * request opens listens to `signal`, so that one abort releases it all.
 */
export interface RequestScope {
  readonly signal: AbortSignal
  /** From now until `relax()`, silence of `ms` ends the request with TIMEOUT. */
  expect(ms: number, what: string): void
  /**
   * `promise`, or the reason the scope is ended for, at once: undici sometimes never settles a read that is
   * aborted at the end of its body. One at a time.
   */
  orEnd<T>(promise: Promise<T>): Promise<T>
  /** The server owes nothing now: the consumer is busy, and its pace is no fault. */
  relax(): void
  /** Why the scope was ended; fetch rejects with the same, Node's streams with another error. */
  readonly ended: { readonly reason: unknown } | undefined
  /** Ends the request: connections are closed unless they are back in their pool already. */
  cancel(reason?: unknown): void
  /** Forgets timer and listener. The request, if any is left, goes on. */
  close(): void
}

/** @param signals the caller's, and the store's own when it can be closed */
export function openScope(uri: string, ...signals: readonly (AbortSignal | undefined)[]): RequestScope {
  for (const signal of signals) signal?.throwIfAborted()
  const controller = new AbortController()
  let ended: { readonly reason: unknown } | undefined
  let interrupt = (_reason: unknown) => {}
  const cancel = (reason?: unknown) => {
    ended ??= { reason }
    controller.abort(reason)
    interrupt(reason)
  }
  const forget = signals.map((signal) => onAbort(signal, () => cancel(signal?.reason)))

  // One timer for the whole body: re-armed when it fires early, never touched per chunk.
  let timer: ReturnType<typeof setTimeout> | undefined
  let deadline = Number.POSITIVE_INFINITY
  let wait = 0
  let waitingFor = ''
  let overdue: number | undefined
  const check = () => {
    timer = undefined
    if (deadline === Number.POSITIVE_INFINITY) return
    const left = deadline - performance.now()
    if (left > 0) {
      timer = setTimeout(check, left)
      return
    }
    if (overdue !== deadline) {
      overdue = deadline
      timer = setTimeout(check, Math.min(wait, GRACE_MS))
      return
    }
    cancel(new DataplugError('TIMEOUT', `${displayUri(uri)}: ${waitingFor} within ${wait} ms`, { uri }))
  }
  return {
    signal: controller.signal,
    expect(ms, what) {
      const sooner = ms < wait
      deadline = performance.now() + ms
      wait = ms
      waitingFor = what
      if (timer !== undefined && sooner) {
        clearTimeout(timer)
        timer = undefined
      }
      timer ??= setTimeout(check, ms)
    },
    orEnd: (promise) =>
      new Promise((resolve, reject) => {
        if (ended) reject(ended.reason)
        interrupt = reject
        promise.then(resolve, reject)
      }),
    relax() {
      deadline = Number.POSITIVE_INFINITY
    },
    get ended() {
      return ended
    },
    cancel,
    close() {
      clearTimeout(timer)
      deadline = Number.POSITIVE_INFINITY
      for (const forgetOne of forget) forgetOne()
    },
  }
}

export function withDefaults(timeouts: TimeoutConfig | undefined): Required<TimeoutConfig> {
  return { ...DEFAULT_TIMEOUTS, ...timeouts }
}

/** What to throw when a request fails: the reason it was ended for, or what `translate` makes of the error. */
export function failure(
  scope: RequestScope,
  error: unknown,
  translate: (error: unknown) => DataplugError,
): unknown {
  if (scope.ended) return scope.ended.reason
  return error instanceof DataplugError ? error : translate(error)
}
