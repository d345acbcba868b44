import type { Authorised } from './auth.js'
import { decodeChunks } from './chunked.js'
import { type Digests, startDigester } from './digests.js'
import { S3Error } from './errors.js'
import type { Staged, Staging } from './objects.js'
import type { S3Request } from './request.js'

const MAX_DOCUMENT = 2 * 1024 * 1024

/** Brings an upload in: decoded, staged and checked, not yet visible. Nothing stays behind when it throws. */
export async function receive(
  request: S3Request,
  body: AsyncIterable<Uint8Array>,
  authorised: Authorised,
  staging: Staging,
): Promise<{ staged: Staged; digests: Digests }> {
  try {
    const digests = await consume(request, body, authorised, (bytes) => staging.write(bytes))
    return { staged: await staging.finish(), digests }
  } catch (error) {
    await staging.discard()
    throw error
  }
}

/** A small document, such as the list of parts of an upload. @throws EntityTooLarge above 2 MiB */
export async function receiveText(
  request: S3Request,
  body: AsyncIterable<Uint8Array>,
  authorised: Authorised,
): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  await consume(request, body, authorised, async (bytes) => {
    size += bytes.length
    if (size > MAX_DOCUMENT) throw new S3Error('EntityTooLarge')
    chunks.push(bytes)
  })
  return Buffer.concat(chunks).toString('utf8')
}

async function consume(
  request: S3Request,
  body: AsyncIterable<Uint8Array>,
  authorised: Authorised,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<Digests> {
  const streaming = authorised.payload.startsWith('STREAMING-')
  const length = request.header(streaming ? 'x-amz-decoded-content-length' : 'content-length')
  if (length === undefined && request.header('transfer-encoding') !== undefined) {
    throw new S3Error('MissingContentLength')
  }
  const digester = startDigester(request.header, authorised.payload)
  const trailer = new Map<string, string>()
  let size = 0
  for await (const bytes of streaming ? decodeChunks(body, seedOf(authorised), trailer) : body) {
    size += bytes.length
    digester.update(bytes)
    await write(bytes)
  }
  if (size !== Number(length ?? 0)) throw new S3Error('IncompleteBody')
  return digester.end(trailer)
}

function seedOf({ payload, seed }: Authorised): Authorised['seed'] {
  switch (payload) {
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return undefined
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      // Without authentication there is nothing to check the chunks against.
      return seed
    default:
      throw new S3Error('NotImplemented', `x-amz-content-sha256: ${payload} is not known to this server`)
  }
}
