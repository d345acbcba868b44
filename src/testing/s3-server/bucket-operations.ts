import { receiveText } from './body.js'
import { isBucketName } from './bucket-name.js'
import { corsDocument, parseCors } from './cors.js'
import { S3Error } from './errors.js'
import { type Exchange, requestBody } from './exchange.js'
import { continuationToken, type ListPage, listPage, readToken } from './list.js'
import { sendEmpty, sendXml } from './respond.js'
import { uriEncodePath } from './sigv4.js'
import type { ServerState } from './state.js'
import { document, elements, text, type XmlElement } from './xml.js'

export async function listBuckets(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const buckets = backend.buckets().map(
    ({ name, created }): XmlElement => [
      'Bucket',
      [
        ['Name', name],
        ['CreationDate', isoDate(created)],
      ],
    ],
  )
  const owner: XmlElement = ['Owner', [['ID', 'dataplug']]]
  await sendXml(exchange, document('ListAllMyBucketsResult', [owner, ['Buckets', buckets]]))
}

/** Creating one's own bucket again is no error, as in us-east-1. */
export async function createBucket(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const { bucket } = exchange.request
  if (!isBucketName(bucket)) throw new S3Error('InvalidBucketName')
  await receiveText(exchange.request, requestBody(exchange), exchange.authorised)
  if (!backend.hasBucket(bucket)) backend.createBucket(bucket)
  await sendEmpty(exchange, 200, { location: `/${bucket}` })
}

export async function deleteBucket(exchange: Exchange, { backend, cors }: ServerState): Promise<void> {
  const { bucket } = exchange.request
  if (backend.keys(bucket).length > 0) throw new S3Error('BucketNotEmpty')
  backend.deleteBucket(bucket)
  cors.delete(bucket)
  await sendEmpty(exchange, 204)
}

/** ListObjectsV2, and its first version for those who leave out `list-type`. */
export async function listObjects(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const { request } = exchange
  const { bucket, param } = request
  const second = param('list-type') === '2'
  const encodeUrls = param('encoding-type') === 'url'
  const shown = (key: string) => (encodeUrls ? uriEncodePath(key) : key)
  const [prefix, delimiter] = [param('prefix') ?? '', param('delimiter') ?? '']
  const [token, startAfter, marker] = [param('continuation-token'), param('start-after'), param('marker')]
  const maxKeys = parseMaxKeys(param('max-keys'))
  const page = listPage(backend.keys(bucket), {
    prefix,
    delimiter,
    maxKeys,
    ...(second ? secondStart(token, startAfter) : firstStart(marker, delimiter)),
  })
  const last = page.truncated ? page.last : undefined
  const versioned: (XmlElement | undefined)[] = second
    ? [
        ['KeyCount', page.keys.length + page.commonPrefixes.length],
        token === undefined ? undefined : ['ContinuationToken', token],
        startAfter === undefined ? undefined : ['StartAfter', shown(startAfter)],
        last && ['NextContinuationToken', continuationToken(last)],
      ]
    : [['Marker', shown(marker ?? '')], last && ['NextMarker', shown('key' in last ? last.key : last.prefix)]]
  await sendXml(
    exchange,
    document('ListBucketResult', [
      ['Name', bucket],
      ['Prefix', shown(prefix)],
      ['MaxKeys', maxKeys],
      delimiter === '' ? undefined : ['Delimiter', shown(delimiter)],
      encodeUrls ? ['EncodingType', 'url'] : undefined,
      ['IsTruncated', page.truncated],
      ...versioned,
      ...contents(page, (key) => backend.stat(bucket, key), shown),
      ...page.commonPrefixes.map((p): XmlElement => ['CommonPrefixes', [['Prefix', shown(p)]]]),
    ]),
  )
}

function secondStart(token: string | undefined, startAfter = ''): { after: string; afterPrefix: string } {
  return token === undefined ? { after: startAfter, afterPrefix: '' } : readToken(token)
}

/** A marker that ends in the delimiter is the common prefix that ended the last page. */
function firstStart(marker = '', delimiter: string): { after: string; afterPrefix: string } {
  const isPrefix = delimiter !== '' && marker.endsWith(delimiter)
  return { after: marker, afterPrefix: isPrefix ? marker : '' }
}

function contents(
  page: ListPage,
  stat: (key: string) => ReturnType<ServerState['backend']['stat']>,
  shown: (key: string) => string,
): XmlElement[] {
  return page.keys.flatMap((key): XmlElement[] => {
    const info = stat(key)
    if (!info) return []
    const fields: XmlElement[] = [
      ['Key', shown(key)],
      ['LastModified', isoDate(info.modified)],
      ['ETag', `"${info.etag}"`],
      ['Size', info.size],
      ['StorageClass', 'STANDARD'],
    ]
    return [['Contents', fields]]
  })
}

function parseMaxKeys(value = '1000'): number {
  if (!/^\d{1,9}$/.test(value))
    throw new S3Error('InvalidArgument', 'max-keys must be a number from 0 to 2147483647')
  return Math.min(1000, Number(value))
}

/** DeleteObjects: up to 1000 keys, each answered by itself. */
export async function deleteObjects(exchange: Exchange, { backend }: ServerState): Promise<void> {
  const { request, authorised } = exchange
  const xml = await receiveText(request, requestBody(exchange), authorised)
  const keys = elements(xml, 'Object').map((object) => text(object, 'Key'))
  if (keys.length === 0 || keys.length > 1000) throw new S3Error('MalformedXML')
  const quiet = text(xml, 'Quiet') === 'true'
  const results: XmlElement[] = []
  for (const key of keys) {
    if (key === undefined || key === '') throw new S3Error('MalformedXML')
    backend.remove(request.bucket, key)
    if (!quiet) results.push(['Deleted', [['Key', key]]])
  }
  await sendXml(exchange, document('DeleteResult', results))
}

export async function getLocation(exchange: Exchange): Promise<void> {
  await sendXml(exchange, document('LocationConstraint', []))
}

export async function putCors(exchange: Exchange, { cors }: ServerState): Promise<void> {
  const { request, authorised } = exchange
  cors.set(request.bucket, parseCors(await receiveText(request, requestBody(exchange), authorised)))
  await sendEmpty(exchange, 200)
}

export async function getCors(exchange: Exchange, { cors }: ServerState): Promise<void> {
  const rules = cors.get(exchange.request.bucket)
  if (!rules) throw new S3Error('NoSuchCORSConfiguration')
  await sendXml(exchange, corsDocument(rules))
}

export async function deleteCors(exchange: Exchange, { cors }: ServerState): Promise<void> {
  cors.delete(exchange.request.bucket)
  await sendEmpty(exchange, 204)
}

export function isoDate(time: number): string {
  return new Date(time).toISOString()
}
