import type { Work } from '../cloud/executor.js'
import { DataplugError, isDataplugError, type SerialisedError } from '../errors.js'
import type { StorageConfig } from '../storage/config.js'
import { displayUri } from '../storage/uri.js'

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
  const { name, message, stack } = error instanceof Error ? error : new Error(describe(error))
  return { ok: false, error: { name, message, ...(stack === undefined ? {} : { stack }) } }
}

/**
 * Posting what cannot be cloned would end the thread without a word about why. Bytes always can be, and are not
 * copied for the sake of this check.
 *
 * @throws INVALID_ARGUMENT naming the work that `value` is the result of
 */
export function checkCloneable(value: unknown, line: string): void {
  if (ArrayBuffer.isView(value)) return
  try {
    structuredClone(value)
  } catch (cause) {
    const { uri, number } = describeWork(line)
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `the result for number ${number} of ${displayUri(uri)} cannot leave its worker thread: ${(cause as Error).message}; return plain data`,
      { uri, cause },
    )
  }
}

/** Which unit of work a line is, for messages. */
export function describeWork(line: string): { readonly uri: string; readonly number: number } {
  const { uri, id } = JSON.parse(line) as { uri: string; id: number }
  return { uri, number: id }
}

/** Anything can be thrown; objects without a prototype have no text. */
function describe(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return `a thrown ${typeof thrown}`
  }
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
