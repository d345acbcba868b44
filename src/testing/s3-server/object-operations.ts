import { receive } from './body.js'
import { isoDate } from './bucket-operations.js'
import { checkRead, checkWrite, rangeHolds } from './conditions.js'
import { S3Error } from './errors.js'
import { type Exchange, requestBody } from './exchange.js'
import { concatenate } from './multipart.js'
import { keptHeaders, shownHeaders } from './object-headers.js'
import type { ObjectBackend, Staged, StoredObject } from './objects.js'
import { contentRange, parseRange } from './ranges.js'
import { sendBody, sendEmpty, sendXml } from './respond.js'
import type { ServerState } from './state.js'
import { document } from './xml.js'

/** GetObject and HeadObject. */
export async function getObject(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const { request, fault } = exchange
  const opened = backend.open(request.bucket, request.key)
  if (!opened) throw new S3Error('NoSuchKey', undefined, { details: { Key: request.key } })
  try {
    const { info } = opened
    const shown = shownHeaders(info, request)
    if (checkRead(request.header, info) === 'not-modified') {
      await sendEmpty(exchange, 304, { etag: shown.etag, 'last-modified': shown['last-modified'] })
      return
    }
    const counts = fault?.type !== 'ignore-range' && rangeHolds(request.header('if-range'), info)
    const range = counts ? parseRange(request.header('range'), info.size) : undefined
    if (!range) {
      const body = { length: info.size, bytes: opened.read(0, info.size) }
      await sendBody(exchange, 200, { ...shown, ...checksum(exchange, info) }, body)
      return
    }
    const [start, end] = range
    const off = fault?.type === 'wrong-content-range' ? 1 : 0
    const headers = { ...shown, 'content-range': contentRange([start + off, end + off], info.size) }
    await sendBody(exchange, 206, headers, { length: end - start, bytes: opened.read(start, end) })
  } finally {
    opened.close()
  }
}

/** Only for the whole object: S3 keeps no checksum of its ranges. */
function checksum({ request }: Exchange, info: StoredObject): Record<string, string> {
  if (request.header('x-amz-checksum-mode')?.toUpperCase() !== 'ENABLED' || info.crc32 === undefined)
    return {}
  return { 'x-amz-checksum-crc32': info.crc32, 'x-amz-checksum-type': 'FULL_OBJECT' }
}

export async function putObject(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const { request, authorised } = exchange
  const { bucket, key } = request
  const headers = keptHeaders(request)
  checkWrite(request.header, backend.stat(bucket, key))
  const { staged, digests } = await receive(request, requestBody(exchange), authorised, backend.stage())
  const facts = { etag: digests.md5, crc32: digests.crc32, headers }
  const info = await publish(exchange, backend, staged, facts)
  await sendEmpty(exchange, 200, { etag: `"${info.etag}"`, 'x-amz-checksum-crc32': digests.crc32 })
}

/** Checks once more, now that all bytes are here, and publishes without a gap after that. */
export async function publish(
  { request }: Exchange,
  backend: ObjectBackend,
  staged: Staged,
  facts: Pick<StoredObject, 'etag' | 'crc32' | 'headers'>,
): Promise<StoredObject> {
  const { bucket, key } = request
  try {
    if (!backend.hasBucket(bucket)) throw new S3Error('NoSuchBucket')
    checkWrite(request.header, backend.stat(bucket, key))
    return backend.publish(bucket, key, staged, facts)
  } catch (error) {
    await staged.discard()
    throw error
  }
}

export async function deleteObject(exchange: Exchange, { backend }: ServerState): Promise<void> {
  backend.remove(exchange.request.bucket, exchange.request.key)
  await sendEmpty(exchange, 204)
}

export async function copyObject(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const { request } = exchange
  const from = parseSource(request.header('x-amz-copy-source') ?? '')
  if (!backend.hasBucket(from.bucket)) throw new S3Error('NoSuchBucket')
  const replace = request.header('x-amz-metadata-directive')?.toUpperCase() === 'REPLACE'
  if (!replace && from.bucket === request.bucket && from.key === request.key) {
    throw new S3Error('InvalidRequest', 'This copy request is illegal because it changes nothing.')
  }
  const opened = backend.open(from.bucket, from.key)
  if (!opened) throw new S3Error('NoSuchKey', undefined, { details: { Key: from.key } })
  try {
    const { info } = opened
    if (checkRead(request.header, info, 'x-amz-copy-source-') === 'not-modified') {
      throw new S3Error('PreconditionFailed')
    }
    const headers = replace ? keptHeaders(request) : info.headers
    const { staged, digests } = await concatenate([opened.read(0, info.size)], backend.stage())
    const copy = await publish(exchange, backend, staged, {
      etag: digests.md5,
      crc32: digests.crc32,
      headers,
    })
    await sendXml(
      exchange,
      document('CopyObjectResult', [
        ['LastModified', isoDate(copy.modified)],
        ['ETag', `"${copy.etag}"`],
        ['ChecksumCRC32', digests.crc32],
      ]),
    )
  } finally {
    opened.close()
  }
}

function parseSource(header: string): { bucket: string; key: string } {
  let path: string
  try {
    path = decodeURIComponent(header.replace(/\?.*$/, '')).replace(/^\//, '')
  } catch {
    throw new S3Error('InvalidArgument', 'x-amz-copy-source is not URL-encoded')
  }
  const slash = path.indexOf('/')
  if (slash < 1 || slash === path.length - 1) {
    throw new S3Error('InvalidArgument', 'x-amz-copy-source must be "bucket/key"')
  }
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1) }
}
