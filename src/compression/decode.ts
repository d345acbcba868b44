import { createGunzip, type GunzipOptions } from '../core/gunzip.js'
import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import type { Source } from '../storage/source.js'
import type { ByteStream } from '../storage/store.js'
import type { Span } from './access.js'
import { naming } from './naming.js'
import { FURTHER, readOnwards, SCRATCH_SIZE } from './read-onwards.js'
import { inflateWindow, type ReadWindow } from './window.js'

/**
 * The content of a gzip object from a span's seek point on, until `end` is reached: views, each valid until the next is
 * asked for.
 *
 * @throws MALFORMED_DATA
 */
export async function* decodeSpan(
  stored: Source,
  span: Span,
  end: number,
  readWindow: ReadWindow,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const offset = Math.floor(span.bit / 8)
  const window = span.window === undefined ? new Uint8Array(0) : await inflateWindow(span.window, readWindow)
  // A block is never at bit 0: there the header of the first member is, and the content starts.
  const isStart = span.bit === 0 && span.content === 0
  const place = isStart ? {} : { bit: span.bit, window }
  // Most slices are small, and many.
  const foreseen = Math.max(span.end - offset, Math.min(FURTHER, stored.size - offset))
  const scratch = new Uint8Array(Math.min(SCRATCH_SIZE, foreseen))
  const bytes = readOnwards(stored, [offset, span.end], { signal, scratch })
  yield* decodeFrom(place, bytes, stored, [span.content, end])
}

/**
 * As `decodeSpan`, of bytes at hand.
 *
 * @param place where in the object the bytes begin
 * @param content what is wanted of the content: its start is what the bytes begin with
 */
export async function* decodeFrom(
  place: GunzipOptions,
  bytes: ByteStream,
  { uri, size }: Source,
  [start, end]: Range,
): AsyncGenerator<Uint8Array> {
  const gunzip = await createGunzip({ name: uri, ...place, ends: true })
  let position = start
  try {
    for await (const chunk of bytes) {
      for (const piece of gunzip.push(chunk)) {
        position += piece.length
        if (piece.length > 0) yield piece
        // A member that ends here is checked, if its trailer is at hand.
        if (position >= end && (piece.length === 0 || gunzip.inData)) return
      }
      if (position >= end) return
    }
    gunzip.finish()
  } catch (error) {
    throw naming(uri, error)
  } finally {
    gunzip.close()
  }
  throw new DataplugError(
    'MALFORMED_DATA',
    `${uri} has ${position} bytes of content, fewer than its index says`,
    {
      uri,
      offset: size,
    },
  )
}
