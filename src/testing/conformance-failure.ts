import { isDataplugError } from '../errors.js'

/** A check that does not hold: what was seen, and what its author can do about it. */
export function failure(what: string, fix: string, cause?: unknown): Error {
  const error = new Error(`${what}. ${fix}`, cause === undefined ? undefined : { cause })
  error.name = 'ConformanceFailure'
  return error
}

/** An error in a message: its code where it has one. */
export function tell(error: unknown): string {
  if (isDataplugError(error)) return `${error.code} (${error.message})`
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** Runs a check; whatever else is thrown in it is a failure too. */
export async function check(where: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof Error && error.name === 'ConformanceFailure') {
      error.message = `${where}: ${error.message}`
      throw error
    }
    throw failure(`${where}: unexpected ${tell(error)}`, 'Nothing should be thrown here', error)
  }
}

/** Offset of the first byte in which `a` and `b` differ; -1 when they are equal. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? -1 : length
}

/** A few bytes from `offset` on, as text where they are printable ASCII. */
export function excerpt(bytes: Uint8Array, offset: number): string {
  const few = bytes.subarray(offset, offset + 16)
  if (few.length === 0) return 'nothing'
  return JSON.stringify(
    Array.from(few, (byte) =>
      (byte >= 32 && byte < 127) || byte === 10 || byte === 13
        ? String.fromCharCode(byte)
        : `<${byte.toString(16).padStart(2, '0')}>`,
    ).join(''),
  )
}

/** What to do about a stream that is left open. */
export const RELEASE =
  'Read streams with "for await" inside a generator, or call return() on their iterator in a finally block'
