import * as buckets from './bucket-operations.js'
import { S3Error } from './errors.js'
import type { Exchange } from './exchange.js'
import * as objects from './object-operations.js'
import type { S3Request } from './request.js'
import { sendEmpty } from './respond.js'
import type { ServerState } from './state.js'
import * as uploads from './upload-operations.js'

export type Operation = (exchange: Exchange, state: ServerState) => Promise<void>

/** Parameters that make a request another operation; those we lack must not be taken for a plain read. */
const ELSEWHERE = new Set(
  (
    'accelerate acl analytics attributes encryption intelligent-tiering inventory legal-hold lifecycle logging ' +
    'metrics notification object-lock ownershipControls partNumber policy policyStatus publicAccessBlock ' +
    'replication requestPayment restore retention select select-type tagging torrent versionId versioning ' +
    'versions website'
  ).split(' '),
)

const BUCKET: Readonly<Record<string, Operation>> = {
  GET: buckets.listObjects,
  'GET ?location': buckets.getLocation,
  'GET ?uploads': uploads.listUploads,
  'GET ?cors': buckets.getCors,
  'PUT ?cors': buckets.putCors,
  'DELETE ?cors': buckets.deleteCors,
  'POST ?delete': buckets.deleteObjects,
  HEAD: (exchange) => sendEmpty(exchange, 200),
  PUT: buckets.createBucket,
  DELETE: buckets.deleteBucket,
}

const OBJECT: Readonly<Record<string, Operation>> = {
  GET: objects.getObject,
  HEAD: objects.getObject,
  PUT: objects.putObject,
  DELETE: objects.deleteObject,
  'POST ?uploads': uploads.createUpload,
  'GET ?uploadId': uploads.listParts,
  'PUT ?uploadId': uploads.uploadPart,
  'POST ?uploadId': uploads.completeUpload,
  'DELETE ?uploadId': uploads.abortUpload,
}

/** @throws NoSuchBucket, KeyTooLongError, MethodNotAllowed, NotImplemented */
export function route(request: S3Request, state: ServerState): Operation {
  const { method, bucket, key } = request
  if (bucket === '') {
    if (method === 'GET' || method === 'HEAD') return buckets.listBuckets
    throw new S3Error('MethodNotAllowed')
  }
  const operation = find(request, key === '' ? BUCKET : OBJECT)
  if (operation !== buckets.createBucket && !state.backend.hasBucket(bucket)) {
    throw new S3Error('NoSuchBucket', undefined, { details: { BucketName: bucket } })
  }
  if (Buffer.byteLength(key) > 1024) throw new S3Error('KeyTooLongError')
  return operation
}

function find(request: S3Request, table: Readonly<Record<string, Operation>>): Operation {
  const { method, query } = request
  for (const [name] of query) {
    const special = table[`${method} ?${name}`]
    if (special) return special
  }
  const missing = query.find(([name]) => ELSEWHERE.has(name))
  if (missing) throw new S3Error('NotImplemented', `This server does not implement ?${missing[0]}`)
  if (table === OBJECT && method === 'PUT' && request.header('x-amz-copy-source') !== undefined) {
    return objects.copyObject
  }
  const plain = table[method]
  if (!plain) throw new S3Error('MethodNotAllowed')
  return plain
}
