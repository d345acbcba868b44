import { createGunzip } from '../core/gunzip.js'
import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import { type Source, sourceOf } from '../storage/source.js'
import type { Access, Span } from './access.js'
import { naming } from './naming.js'
import { FURTHER, readOnwards, SCRATCH_SIZE } from './read-onwards.js'
import { inflateWindow } from './window.js'

/** Reads a range of the section that holds the windows. */
export type ReadWindow = (range: Range) => Promise<Uint8Array>

/**
 * The content of a gzip object, as far as `access` reaches. A read decodes from the seek point before it;
 * one that goes on past the foreseen end goes on reading the object.
 */
export function gunzipSource(stored: Source, access: Access, readWindow: ReadWindow): Source {
  const { uri, etag } = stored
  return sourceOf({ uri, size: access.size, etag }, ([start, end], options) => {
    if (start === end) return nothing()
    const span = access.spans.findLast(({ content }) => content <= start)
    if (!span) {
      throw new DataplugError(
        'INVALID_SLICE',
        `the slice of ${uri} names no seek point for byte ${start} of its content`,
        {
          uri,
          offset: start,
        },
      )
    }
    return decode(stored, span, [start, end], readWindow, options?.signal, options?.scratch !== undefined)
  })
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* decode(
  stored: Source,
  span: Span,
  [start, end]: Range,
  readWindow: ReadWindow,
  signal: AbortSignal | undefined,
  transient: boolean,
): AsyncGenerator<Uint8Array> {
  const offset = Math.floor(span.bit / 8)
  const window = span.window === undefined ? new Uint8Array(0) : await inflateWindow(span.window, readWindow)
  // A block is never at bit 0: there the header of the first member is, and the content starts.
  const isStart = span.bit === 0 && span.content === 0
  const place = isStart ? {} : { bit: span.bit, window }
  const gunzip = await createGunzip({ name: stored.uri, ...place, ends: true })
  let position = span.content
  // Most slices are small, and many.
  const foreseen = Math.max(span.end - offset, Math.min(FURTHER, stored.size - offset))
  const scratch = new Uint8Array(Math.min(SCRATCH_SIZE, foreseen))
  try {
    for await (const chunk of readOnwards(stored, [offset, span.end], { signal, scratch })) {
      for (const piece of gunzip.push(chunk)) {
        const from = Math.max(start - position, 0)
        const to = Math.min(end - position, piece.length)
        position += piece.length
        if (from < to) yield transient ? piece.subarray(from, to) : piece.slice(from, to)
        // A member that ends here is checked, if its trailer is at hand.
        if (position >= end && (piece.length === 0 || gunzip.inData)) return
      }
      if (position >= end) return
    }
    gunzip.finish()
  } catch (error) {
    throw naming(stored.uri, error)
  } finally {
    gunzip.close()
  }
  throw new DataplugError(
    'MALFORMED_DATA',
    `${stored.uri} has ${position} bytes of content, fewer than its index says`,
    {
      uri: stored.uri,
      offset: stored.size,
    },
  )
}
