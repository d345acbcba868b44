import { concat } from '../bytes.js'
import { DataplugError } from '../errors.js'

// The host's own deflate, which Node, Lambda and browsers share: raw (RFC 1951), or with zlib's header and
// checksum (RFC 1950), which the host calls 'deflate'.

type Wrapping = 'deflate-raw' | 'deflate'

/** Nothing stays nothing. */
export async function deflate(
  bytes: Uint8Array<ArrayBuffer>,
  wrapping: Wrapping = 'deflate-raw',
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length === 0) return bytes
  const pieces: Uint8Array[] = []
  for await (const piece of through(new CompressionStream(wrapping), bytes)) pieces.push(piece)
  return concat(pieces)
}

/**
 * Inflates what `deflate` made of at most `length` bytes.
 *
 * @throws MALFORMED_DATA when it is something else, or longer
 */
export async function inflate(
  deflated: Uint8Array,
  length: number,
  wrapping: Wrapping = 'deflate-raw',
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  if (deflated.length === 0) return bytes.subarray(0, 0)
  let filled = 0
  try {
    for await (const chunk of through(new DecompressionStream(wrapping), deflated)) {
      if (filled + chunk.length > length) throw new RangeError(`longer than ${length} bytes`)
      bytes.set(chunk, filled)
      filled += chunk.length
    }
  } catch (cause) {
    throw new DataplugError(
      'MALFORMED_DATA',
      `deflated data of an index is damaged: ${(cause as Error).message}`,
      { cause },
    )
  }
  return bytes.subarray(0, filled)
}

/** What a host's stream makes of bytes. A pipe from a Blob would cost half as much again as deflating a window. */
function through(
  { readable, writable }: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
): AsyncIterable<Uint8Array> {
  const writer = writable.getWriter()
  // Failures show on the readable side.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => undefined)
  writer.close().catch(() => undefined)
  return readable as unknown as AsyncIterable<Uint8Array>
}
