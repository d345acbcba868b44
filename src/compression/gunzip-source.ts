import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import { type Source, sourceOf } from '../storage/source.js'
import type { Access, Span } from './access.js'
import { decodeSpan } from './decode.js'
import { storedBlocks } from './stored-blocks.js'
import type { ReadWindow } from './window.js'

/**
 * The content of a gzip object, as far as `access` reaches. A read decodes from the seek point before it;
 * one that goes on past the foreseen end goes on reading the object.
 */
export function gunzipSource(stored: Source, access: Access, readWindow: ReadWindow): Source {
  const { uri, etag } = stored
  const { size, spans } = access
  return sourceOf(
    { uri, size, etag },
    (range, options) => {
      if (range[0] === range[1]) return nothing()
      return decode(
        stored,
        spanAt(range[0], spans, uri),
        range,
        readWindow,
        options?.signal,
        options?.scratch !== undefined,
      )
    },
    (range, options) => {
      if (range[0] === range[1]) return nothing()
      return storedBlocks(stored, spanAt(range[0], spans, uri), size, range, readWindow, options?.signal)
    },
  )
}

function spanAt(start: number, spans: readonly Span[], uri: string): Span {
  const span = spans.findLast(({ content }) => content <= start)
  if (span) return span
  throw new DataplugError(
    'INVALID_SLICE',
    `the slice of ${uri} names no seek point for byte ${start} of its content`,
    {
      uri,
      offset: start,
    },
  )
}

async function* nothing(): AsyncGenerator<never> {}

async function* decode(
  stored: Source,
  span: Span,
  [start, end]: Range,
  readWindow: ReadWindow,
  signal: AbortSignal | undefined,
  transient: boolean,
): AsyncGenerator<Uint8Array> {
  let position = span.content
  for await (const piece of decodeSpan(stored, span, end, readWindow, signal)) {
    const from = Math.max(start - position, 0)
    const to = Math.min(end - position, piece.length)
    position += piece.length
    if (from < to) yield transient ? piece.subarray(from, to) : piece.slice(from, to)
  }
}
