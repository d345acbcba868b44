import { isDataplugError } from '../errors.js'

export interface ErrorFacts {
  /** A code of the library, of the operating system such as `EACCES`, `INTERRUPTED` or `INTERNAL`. */
  readonly code: string
  /** One line. */
  readonly message: string
  readonly uri?: string
  readonly offset?: number
  /** Of errors that should not be, for a report. */
  readonly stack?: string
}

export function describeError(error: unknown, signal: AbortSignal): ErrorFacts {
  if (signal.aborted && error === signal.reason)
    return { code: 'INTERRUPTED', message: oneLine((error as Error).message) }
  if (isDataplugError(error)) return { ...error.toJSON(), message: oneLine(error.message) }
  const thrown: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
  const { name, message, stack, code, syscall } = thrown
  // Files the user named: the system's own words say which and why.
  if (syscall !== undefined) return { code: code ?? 'INTERNAL', message: oneLine(message) }
  const where = /\n\s+at (.*)/.exec(stack ?? '')?.[1]
  return {
    code: 'INTERNAL',
    message: oneLine(`internal error, please report it: ${name}: ${message}${where ? ` (${where})` : ''}`),
    ...(stack === undefined ? {} : { stack }),
  }
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}
