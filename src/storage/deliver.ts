import { DataplugError } from '../errors.js'
import { checkRange, type Range } from '../range.js'
import { failure, openScope, type RequestScope } from './scope.js'
import type { ByteStream, ObjectInfo, ReadOptions } from './store.js'
import { displayUri } from './uri.js'

/** A response whose headers were found right, and its body: `undefined` at its end. */
export interface OpenBody {
  readonly info: ObjectInfo
  readonly next: () => Promise<Uint8Array | undefined>
}

/** What differs between the ways to send a request. */
export interface Transport {
  /** Silence of this many ms while the consumer waits ends the request. */
  readonly idleMs: number
  /** Aborts when the store is closed. */
  readonly closing?: AbortSignal
  /** Sends the request and checks the answer. Everything it opens ends with `scope.signal`. */
  open(scope: RequestScope): Promise<OpenBody>
  /** Makes an error of this library of one from the network. */
  translate(error: unknown, offset: number): DataplugError
}

/**
 * One request as a stream of exactly the bytes of `range`; an empty range makes none. Silence counts only
 * while the consumer waits. Leaving before the last byte has come closes the connection.
 *
 * @throws SHORT_BODY, RANGE_IGNORED when the body is longer than its own headers said, TIMEOUT, and whatever
 * the transport throws.
 */
export async function* deliver(
  uri: string,
  range: Range,
  { signal, onInfo }: ReadOptions,
  transport: Transport,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted()
  checkRange(range, Number.POSITIVE_INFINITY, uri)
  const [start, end] = range
  if (start === end) return
  const scope = openScope(uri, signal, transport.closing)
  let offset = start
  let complete = false
  // Whether the consumer holds a chunk, and so whether it is the one who ends this.
  let held = false
  let body: OpenBody | undefined
  const explain = (error: unknown) => failure(scope, error, (cause) => transport.translate(cause, offset))
  try {
    body = await scope.orEnd(transport.open(scope)).catch((error: unknown) => {
      throw explain(error)
    })
    onInfo?.(body.info)
    for (;;) {
      signal?.throwIfAborted()
      scope.expect(transport.idleMs, 'no further bytes')
      let chunk: Uint8Array | undefined
      try {
        chunk = await scope.orEnd(body.next())
      } catch (error) {
        throw explain(error)
      }
      scope.relax()
      if (chunk === undefined) break
      if (chunk.length > end - offset) throw longBody(uri, range)
      offset += chunk.length
      if (chunk.length > 0) {
        held = true
        yield chunk
        held = false
      }
    }
    if (offset < end) throw shortBody(uri, range, offset)
    complete = true
  } finally {
    // One who leaves with the last byte, having found what it looked for, need not cost the connection.
    if (held && offset === end && body) complete = await hasEnded(body, scope)
    if (!complete) scope.cancel()
    scope.close()
  }
}

const END_MS = 1000

async function hasEnded({ next }: OpenBody, scope: RequestScope): Promise<boolean> {
  scope.expect(END_MS, 'no end of the body')
  try {
    return (await scope.orEnd(next())) === undefined
  } catch {
    return false
  }
}

const PROBE: Range = [0, 1]

/**
 * The state of an object from a read of its first byte; `undefined` when it has none, since no byte can be
 * asked of an empty object.
 */
export async function probe(
  read: (range: Range, onInfo: (info: ObjectInfo) => void) => ByteStream,
): Promise<ObjectInfo | undefined> {
  let info: ObjectInfo | undefined
  try {
    const stream = read(PROBE, (seen) => {
      info = seen
    })
    // Read to its end, so that the connection can be used again.
    for await (const _ of stream);
  } catch (error) {
    if (!(error instanceof DataplugError && error.code === 'RANGE_OUTSIDE_OBJECT')) throw error
  }
  return info
}

export function shortBody(uri: string, [start, end]: Range, offset: number): DataplugError {
  return new DataplugError(
    'SHORT_BODY',
    `${displayUri(uri)}: the body for bytes ${start}-${end} ended at ${offset}`,
    {
      uri,
      offset,
    },
  )
}

export function longBody(uri: string, [start, end]: Range): DataplugError {
  return new DataplugError(
    'RANGE_IGNORED',
    `${displayUri(uri)}: the body for bytes ${start}-${end} is longer than that`,
    {
      uri,
      offset: end,
    },
  )
}
