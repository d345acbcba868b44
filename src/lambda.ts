// AWS Lambda entry point.
import { toBase64 } from './base64.js'
import { useStorage } from './cloud/environment.js'
import { execute, type SliceFunction } from './cloud/execute.js'
import { useFiles } from './cloud/files.js'
import { parseLine } from './cloud/line.js'
import { type ResultLine, resultLine } from './cloud/result.js'
import { Slice } from './cloud/slice.js'
import { DataplugError, isDataplugError } from './errors.js'
import type { StorageConfig } from './storage/config.js'
import { openStorage } from './storage/open.js'

useStorage(openStorage)
useFiles(async (...file) => (await import('./storage/write-file.js')).writeFile(...file))

export * from './common.js'

/** A synchronous invocation may answer with 6 MB at most. */
const RESPONSE_LIMIT = 6 * 1024 * 1024

export interface HandlerOptions {
  /** Applied to each slice; its result, as JSON, is the response. Default: the slice's natural value. */
  readonly map?: SliceFunction
  /** Options for the stores. Default: the function's role and region. */
  readonly storage?: StorageConfig
}

/** What the handler answers for a task, or for a slice. Bytes come as base64. */
export type HandlerResult = ResultLine | { readonly value: unknown } | { readonly base64: string }

/**
 * A Lambda handler. The event is one task or slice line, as text or as the parsed object. For a slice of a
 * plugin's format, import the plugin in the function's own module.
 *
 * Errors reach the caller as the invocation's error: `errorType` is the code, such as `STALE_INDEX`.
 *
 * @throws UNSUPPORTED when the response would be larger than Lambda allows: return less, or write it to a store
 */
export function createHandler({
  map,
  storage = {},
}: HandlerOptions = {}): (event: unknown) => Promise<HandlerResult> {
  const store = openStorage(storage)
  const handle = async (event: unknown): Promise<HandlerResult> => {
    const line = parseLine(event)
    if (line.kind === 'task') {
      const part = (await execute({ line: JSON.stringify(line) }, { store, modules: [] })) as Uint8Array
      return checkSize(resultLine(line, part), line.uri)
    }
    const slice = new Slice(line, { store })
    const value = map ? await map(slice, { signal: undefined }) : await slice.get()
    return checkSize(value instanceof Uint8Array ? { base64: toBase64(value) } : { value }, line.uri)
  }
  return (event) =>
    handle(event).catch((error: unknown) => {
      // Lambda reports an error's `name` as `errorType`, and nothing else that a caller could match on.
      throw isDataplugError(error)
        ? Object.assign(new Error(error.message, { cause: error }), { name: error.code })
        : error
    })
}

export const handler = createHandler()

function checkSize(result: HandlerResult, uri: string): HandlerResult {
  const size = new TextEncoder().encode(JSON.stringify(result)).length
  if (size <= RESPONSE_LIMIT) return result
  throw new DataplugError(
    'UNSUPPORTED',
    `the response for ${uri} takes ${size} bytes, and Lambda returns 6 MB at most: cut smaller pieces, or write the result to a store and return its name`,
    { uri },
  )
}
