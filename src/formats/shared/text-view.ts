import { DataplugError } from '../../errors.js'
import type { ByteStream } from '../../storage/store.js'

/** Where a stream of text starts in its object, for messages and for the byte order mark. */
export interface TextOrigin {
  readonly uri: string
  readonly offset: number
}

/** Decoded pieces; a byte order mark at offset 0 of the object is dropped. @throws INVALID_UTF8 */
export async function* decodeText(stream: ByteStream, { uri, offset }: TextOrigin): AsyncGenerator<string> {
  // The decoder would drop U+FEFF at the start of any slice, where it is content.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: offset !== 0 })
  let position = offset
  const decode = (chunk: Uint8Array | undefined) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
    } catch (cause) {
      const at = position + (chunk ? invalidUtf8At(chunk) : 0)
      throw new DataplugError(
        'INVALID_UTF8',
        `${uri} is not UTF-8 near byte ${at}; read the slice with bytes() or stream() and decode it yourself`,
        { uri, offset: at, cause },
      )
    }
  }
  for await (const chunk of stream) {
    const text = decode(chunk)
    position += chunk.length
    if (text !== '') yield text
  }
  const rest = decode(undefined)
  if (rest !== '') yield rest
}

/**
 * Lines without their terminators, `\n` or `\r\n`. Only a line feed ends a line; what follows the last one,
 * if anything, is a line too.
 */
export async function* splitLines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const lines of lineBatches(pieces)) yield* lines
}

/** The same, as many lines at a time as are there: a step of an async generator for each costs a multiple. */
export async function* lineBatches(pieces: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  // A line that spans many pieces is joined once: repeated concatenation would be quadratic.
  let open: string[] = []
  for await (const piece of pieces) {
    const lines: string[] = []
    let start = 0
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      const tail = piece.slice(start, end)
      const line = open.length === 0 ? tail : open.join('') + tail
      open = []
      lines.push(line.endsWith('\r') ? line.slice(0, -1) : line)
      start = end + 1
    }
    if (start < piece.length) open.push(piece.slice(start))
    if (lines.length > 0) yield lines
  }
  if (open.length > 0) yield [open.join('')]
}

/** All lines of a text, as `splitLines` gives them. @throws INVALID_UTF8 */
export async function collectLines(stream: ByteStream, origin: TextOrigin): Promise<string[]> {
  const all: string[] = []
  for await (const lines of lineBatches(decodeText(stream, origin))) for (const line of lines) all.push(line)
  return all
}

/**
 * Offset of the first invalid sequence in `bytes`, near enough for a message: bytes that begin inside a
 * sequence count as invalid at 0. The longest prefix that decodes ends there.
 */
function invalidUtf8At(bytes: Uint8Array): number {
  let valid = 0
  let invalid = bytes.length
  while (valid < invalid) {
    const middle = (valid + invalid + 1) >> 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      valid = middle
    } catch {
      invalid = middle - 1
    }
  }
  return valid
}
