import { createHash, type Hash } from 'node:crypto'
import { S3Error } from './errors.js'
import { credentialScope, hmacHex, type Scope, sameSignature, sha256Hex } from './sigv4.js'

/** From which the signatures of the chunks go on, each signing the one before. */
export interface ChunkSeed {
  readonly signature: string
  readonly scope: Scope
  readonly key: Buffer
}

const EMPTY = sha256Hex('')
const MAX_LINE = 16 * 1024

/**
 * The payload of an `aws-chunked` body ("Signature calculations for the Authorization header: transferring
 * payload in multiple chunks"): `hex-size[;chunk-signature=…] CRLF bytes CRLF`, a chunk of size 0, trailer
 * lines, an empty line. Trailer fields are put into `trailer`, names in lower case. Bytes are yielded before
 * their chunk's signature is known to hold, so the caller publishes nothing before the end.
 *
 * @throws IncompleteBody when the body ends early or is not of this form, SignatureDoesNotMatch.
 */
export async function* decodeChunks(
  body: AsyncIterable<Uint8Array>,
  seed: ChunkSeed | undefined,
  trailer: Map<string, string>,
): AsyncGenerator<Uint8Array> {
  const source = body[Symbol.asyncIterator]()
  try {
    yield* decode(lineReader(source), seed, trailer)
  } finally {
    await source.return?.()
  }
}

async function* decode(
  reader: LineReader,
  seed: ChunkSeed | undefined,
  trailer: Map<string, string>,
): AsyncGenerator<Uint8Array> {
  let previous = seed?.signature ?? ''
  for (;;) {
    const [size, given] = parseChunkHeader(await reader.line())
    const hash = seed && createHash('sha256')
    for (let left = size; left > 0; ) {
      const bytes = await reader.some(left)
      hash?.update(bytes)
      left -= bytes.length
      yield bytes
    }
    if (seed) previous = checkChunk(seed, previous, given, hash)
    if (size === 0) break
    if ((await reader.line()) !== '') throw new S3Error('IncompleteBody')
  }
  await readTrailer(reader, seed, previous, trailer)
}

function parseChunkHeader(line: string): [size: number, signature: string] {
  const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
  if (!match) throw new S3Error('IncompleteBody', 'The body is not in the aws-chunked encoding.')
  return [Number.parseInt(match[1] ?? '', 16), match[2] ?? '']
}

function checkChunk(seed: ChunkSeed, previous: string, given: string, hash: Hash | undefined): string {
  const text = [
    'AWS4-HMAC-SHA256-PAYLOAD',
    seed.scope.date,
    credentialScope(seed.scope),
    previous,
    EMPTY,
    hash?.digest('hex') ?? EMPTY,
  ].join('\n')
  if (!sameSignature(given, hmacHex(seed.key, text))) throw new S3Error('SignatureDoesNotMatch')
  return given
}

async function readTrailer(
  reader: LineReader,
  seed: ChunkSeed | undefined,
  previous: string,
  trailer: Map<string, string>,
): Promise<void> {
  let signature: string | undefined
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':')
    if (colon < 0) throw new S3Error('IncompleteBody', 'The trailer of the body is malformed.')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'x-amz-trailer-signature') signature = value
    else trailer.set(name, value)
  }
  if (!seed || (trailer.size === 0 && signature === undefined)) return
  const fields = [...trailer]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`)
  const text = [
    'AWS4-HMAC-SHA256-TRAILER',
    seed.scope.date,
    credentialScope(seed.scope),
    previous,
    sha256Hex(fields.join('')),
  ].join('\n')
  if (!sameSignature(signature ?? '', hmacHex(seed.key, text))) throw new S3Error('SignatureDoesNotMatch')
}

interface LineReader {
  /** Up to the next CRLF, without it. */
  line(): Promise<string>
  /** At least one byte, at most `limit`. */
  some(limit: number): Promise<Uint8Array>
}

function lineReader(source: AsyncIterator<Uint8Array>): LineReader {
  let rest: Buffer = Buffer.alloc(0)
  const more = async (): Promise<void> => {
    const next = await source.next()
    if (next.done) throw new S3Error('IncompleteBody')
    const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
  }
  return {
    async line() {
      for (;;) {
        const end = rest.indexOf('\r\n')
        if (end > MAX_LINE || (end < 0 && rest.length > MAX_LINE)) throw new S3Error('IncompleteBody')
        if (end >= 0) {
          const line = rest.toString('latin1', 0, end)
          rest = rest.subarray(end + 2)
          return line
        }
        await more()
      }
    },
    async some(limit) {
      while (rest.length === 0) await more()
      const bytes = rest.subarray(0, limit)
      rest = rest.subarray(bytes.length)
      return bytes
    },
  }
}
