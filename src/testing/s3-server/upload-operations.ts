import { receive, receiveText } from './body.js'
import { isoDate } from './bucket-operations.js'
import { checkWrite } from './conditions.js'
import { S3Error } from './errors.js'
import { type Exchange, requestBody } from './exchange.js'
import {
  chosenParts,
  concatenate,
  discardUpload,
  findUpload,
  multipartEtag,
  partNumber,
  startUpload,
  type Upload,
} from './multipart.js'
import { keptHeaders } from './object-headers.js'
import { publish } from './object-operations.js'
import { sendEmpty, sendXml } from './respond.js'
import type { ServerState } from './state.js'
import { document, type XmlElement } from './xml.js'

export async function createUpload(exchange: Exchange, { uploads }: ServerState): Promise<void> {
  const { bucket, key } = exchange.request
  await receiveText(exchange.request, requestBody(exchange), exchange.authorised)
  const upload = startUpload(uploads, bucket, key, keptHeaders(exchange.request))
  await sendXml(exchange, document('InitiateMultipartUploadResult', identity(upload)))
}

export async function uploadPart(exchange: Exchange, state: ServerState): Promise<void> {
  const { request, authorised } = exchange
  if (request.header('x-amz-copy-source') !== undefined) {
    throw new S3Error('NotImplemented', 'UploadPartCopy is not implemented')
  }
  const number = partNumber(request.param('partNumber') ?? '')
  requested(exchange, state)
  const { staged, digests } = await receive(request, requestBody(exchange), authorised, state.backend.stage())
  // It may have been aborted or completed meanwhile.
  const upload = state.uploads.get(request.param('uploadId') ?? '')
  if (!upload) {
    await staged.discard()
    throw new S3Error('NoSuchUpload')
  }
  await upload.parts.get(number)?.staged.discard()
  upload.parts.set(number, { staged, etag: digests.md5, modified: Date.now() })
  await sendEmpty(exchange, 200, { etag: `"${digests.md5}"`, 'x-amz-checksum-crc32': digests.crc32 })
}

export async function completeUpload(exchange: Exchange, state: ServerState): Promise<void> {
  const { request, authorised } = exchange
  const upload = requested(exchange, state)
  const parts = chosenParts(upload, await receiveText(request, requestBody(exchange), authorised))
  checkWrite(request.header, state.backend.stat(upload.bucket, upload.key))
  const sources = parts.map((part) => part.staged.read())
  const { staged, digests } = await concatenate(sources, state.backend.stage())
  const facts = { etag: multipartEtag(parts), crc32: digests.crc32, headers: upload.headers }
  const info = await publish(exchange, state.backend, staged, facts)
  await discardUpload(state.uploads, upload)
  await sendXml(
    exchange,
    document('CompleteMultipartUploadResult', [
      ['Location', `/${upload.bucket}/${upload.key}`],
      ['Bucket', upload.bucket],
      ['Key', upload.key],
      ['ETag', `"${info.etag}"`],
    ]),
  )
}

export async function abortUpload(exchange: Exchange, state: ServerState): Promise<void> {
  await discardUpload(state.uploads, requested(exchange, state))
  await sendEmpty(exchange, 204)
}

export async function listParts(exchange: Exchange, state: ServerState): Promise<void> {
  const upload = requested(exchange, state)
  const after = Number(exchange.request.param('part-number-marker') ?? 0)
  const most = Math.min(1000, Number(exchange.request.param('max-parts') ?? 1000))
  const parts = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > after)
  const shown = parts.slice(0, most)
  const truncated = parts.length > shown.length
  await sendXml(
    exchange,
    document('ListPartsResult', [
      ...identity(upload),
      ['PartNumberMarker', after],
      ['MaxParts', most],
      ['IsTruncated', truncated],
      truncated ? ['NextPartNumberMarker', shown.at(-1)?.[0] ?? after] : undefined,
      ...shown.map(
        ([number, part]): XmlElement => [
          'Part',
          [
            ['PartNumber', number],
            ['LastModified', isoDate(part.modified)],
            ['ETag', `"${part.etag}"`],
            ['Size', part.staged.size],
          ],
        ],
      ),
    ]),
  )
}

export async function listUploads(exchange: Exchange, { uploads }: ServerState): Promise<void> {
  const { bucket } = exchange.request
  const ours = [...uploads.values()].filter((upload) => upload.bucket === bucket)
  const shown = ours.map(
    (upload): XmlElement => [
      'Upload',
      [
        ['Key', upload.key],
        ['UploadId', upload.id],
        ['Initiated', isoDate(upload.started)],
      ],
    ],
  )
  await sendXml(
    exchange,
    document('ListMultipartUploadsResult', [['Bucket', bucket], ['IsTruncated', false], ...shown]),
  )
}

function requested({ request }: Exchange, { uploads }: ServerState): Upload {
  return findUpload(uploads, request.param('uploadId') ?? '', request.bucket, request.key)
}

function identity({ bucket, key, id }: Upload): XmlElement[] {
  return [
    ['Bucket', bucket],
    ['Key', key],
    ['UploadId', id],
  ]
}
