import type { Work } from '../cloud/executor.js'
import { DataplugError, isDataplugError, type SerialisedError } from '../errors.js'
import type { StorageConfig } from '../storage/config.js'

/** What is posted to a worker thread: plain data. The credentials in `storage` never leave the process. */
export interface WorkerRequest {
  readonly work: Work
  readonly storage: StorageConfig
  readonly modules: readonly string[]
}

/** Errors travel as data: a structured clone would drop their code. */
export type WorkerReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly dataplug: SerialisedError }
  | {
      readonly ok: false
      readonly error: { readonly name: string; readonly message: string; readonly stack?: string }
    }

export function failureReply(error: unknown): WorkerReply {
  if (isDataplugError(error)) return { ok: false, dataplug: error.toJSON() }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  return { ok: false, error: { name, message, ...(stack === undefined ? {} : { stack }) } }
}

/** The value of a reply, or its error, thrown as it was. */
export function unwrapReply(reply: WorkerReply): unknown {
  if (reply.ok) return reply.value
  if ('dataplug' in reply) throw DataplugError.fromJSON(reply.dataplug)
  const error = new Error(reply.error.message)
  error.name = reply.error.name
  if (reply.error.stack !== undefined) error.stack = reply.error.stack
  throw error
}
