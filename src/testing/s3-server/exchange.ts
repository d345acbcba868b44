import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Authorised } from './auth.js'
import type { Fault } from './faults.js'
import type { S3Request } from './request.js'

/** What the server remembers of a request. `status` and `bytes` grow while it is answered. */
export interface RequestRecord {
  readonly method: string
  bucket: string
  /** Decoded. */
  key: string
  /** Raw, without the question mark. */
  readonly query: string
  readonly range: string | undefined
  /** The fault that met it. */
  fault: Fault['type'] | undefined
  /** 0 until an answer has begun. */
  status: number
  /** Body bytes sent. */
  bytes: number
}

/** One request and its answer to be. */
export interface Exchange {
  readonly request: S3Request
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly record: RequestRecord
  readonly authorised: Authorised
  readonly fault: Fault | undefined
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal
}

/** Waits, or until the connection is gone. Without `ms`: for good. */
export async function pause(signal: AbortSignal, ms?: number): Promise<void> {
  if (ms !== undefined) return sleep(ms, undefined, { signal }).catch(() => {})
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Bytes accepted by this end's kernel are lost by a reset; loopback needs a moment to carry them over. */
const CARRY_MS = 20

export async function reset({ response, signal }: Exchange): Promise<void> {
  await pause(signal, CARRY_MS)
  response.socket?.resetAndDestroy()
}

/** The request's body, with its share of faults. */
export async function* requestBody(exchange: Exchange): AsyncGenerator<Uint8Array> {
  const { message, fault, signal } = exchange
  const cut = fault?.type === 'reset' || fault?.type === 'stall' ? fault.afterBytes : Number.POSITIVE_INFINITY
  let read = 0
  let done = false
  // Leaving early must not end the connection: an answer that says why is still to come.
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    read += chunk.length
    if (read >= cut && !done) {
      done = true
      if (fault?.type === 'reset') await reset(exchange)
      if (fault?.type === 'stall') await pause(signal, fault.ms)
    }
    if (fault?.type === 'slow') await pause(signal, (chunk.length / fault.bytesPerSecond) * 1000)
    yield chunk
  }
}
