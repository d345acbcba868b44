import { concat } from '../bytes.js'
import { DataplugError } from '../errors.js'

// The host's own deflate: raw (RFC 1951), or with zlib's header and checksum (RFC 1950), which hosts call 'deflate'.

type Wrapping = 'deflate-raw' | 'deflate'

/**
 * Node's functions, where they are (not in browsers, nor before Node 20.16): a stream for each window takes several
 * times as long as deflating it, in this thread. Loaded on first use, which takes Node 3 ms.
 */
const nodeZlib = () => globalThis.process?.getBuiltinModule?.('node:zlib')

/** Deflated windows are shorter, mostly: the default, 16 KiB for each, would pile up until it is collected. */
const CHUNK = 4 << 10

/** Nothing stays nothing. */
export async function deflate(
  bytes: Uint8Array<ArrayBuffer>,
  wrapping: Wrapping = 'deflate-raw',
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length === 0) return bytes
  const zlib = nodeZlib()
  if (!zlib) return concat(await collect(new CompressionStream(wrapping), bytes, Number.POSITIVE_INFINITY))
  const run = wrapping === 'deflate' ? zlib.deflate : zlib.deflateRaw
  return new Promise((resolve, reject) => {
    run(bytes, { chunkSize: CHUNK }, (error, deflated) =>
      error ? reject(error) : resolve(new Uint8Array(deflated)),
    )
  })
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
  if (deflated.length === 0) return new Uint8Array(0)
  try {
    const zlib = nodeZlib()
    if (!zlib) return concat(await collect(new DecompressionStream(wrapping), deflated, length))
    const run = wrapping === 'deflate' ? zlib.inflate : zlib.inflateRaw
    return await new Promise((resolve, reject) => {
      run(deflated, { maxOutputLength: Math.max(length, 1), info: true }, (error, result) => {
        if (error) return reject(error)
        // What `info` makes of the result, which the types do not say.
        const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
        if (buffer.length > length) reject(longerThan(length))
        else if (engine.bytesWritten < deflated.length) reject(new RangeError('something follows its end'))
        else resolve(new Uint8Array(buffer))
      })
    })
  } catch (cause) {
    throw new DataplugError(
      'MALFORMED_DATA',
      `deflated data of an index is damaged: ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** What a host's stream makes of bytes: at most `length`. A pipe from a Blob would take half as long again. */
async function collect(
  { readable, writable }: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
  length: number,
): Promise<Uint8Array[]> {
  const writer = writable.getWriter()
  // Failures show on the readable side.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => undefined)
  writer.close().catch(() => undefined)
  const pieces: Uint8Array[] = []
  let left = length
  for await (const piece of readable as unknown as AsyncIterable<Uint8Array>) {
    left -= piece.length
    if (left < 0) throw longerThan(length)
    pieces.push(piece)
  }
  return pieces
}

const longerThan = (length: number) => new RangeError(`longer than ${length} bytes`)
