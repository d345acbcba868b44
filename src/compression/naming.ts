import { DataplugError, isDataplugError } from '../errors.js'

/** The error with the URI of its object, which the core does not know. */
export function naming(uri: string, error: unknown): unknown {
  if (!isDataplugError(error, 'MALFORMED_DATA') || error.uri !== undefined) return error
  return new DataplugError(error.code, error.message, { uri, offset: error.offset, cause: error.cause })
}
