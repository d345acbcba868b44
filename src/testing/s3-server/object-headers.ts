import { S3Error } from './errors.js'
import type { StoredObject } from './objects.js'
import type { S3Request } from './request.js'

const KEPT = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
]
const METADATA = 'x-amz-meta-'
const MAX_METADATA = 2048

/** The headers of an upload that become part of the object. @throws MetadataTooLarge */
export function keptHeaders(request: S3Request): Record<string, string> {
  const kept: Record<string, string> = {}
  let size = 0
  for (const [name, value] of request.headers) {
    if (name.startsWith(METADATA)) {
      size += name.length - METADATA.length + value.length
      kept[name] = value
    } else if (KEPT.includes(name)) {
      kept[name] = value
    }
  }
  if (size > MAX_METADATA) throw new S3Error('MetadataTooLarge')
  // How the body travelled is no property of the object.
  const encoding = (kept['content-encoding'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked')
  delete kept['content-encoding']
  return encoding.length === 0 ? kept : { ...kept, 'content-encoding': encoding.join(',') }
}

/** What a read answers about the object, with the `response-…` parameters of the request in place. */
export function shownHeaders(info: StoredObject, request: S3Request): Record<string, string> {
  const shown: Record<string, string> = {
    'content-type': 'binary/octet-stream',
    ...info.headers,
    etag: `"${info.etag}"`,
    'last-modified': new Date(info.modified).toUTCString(),
    'accept-ranges': 'bytes',
  }
  for (const name of KEPT) {
    const value = request.param(`response-${name}`)
    if (value === undefined) continue
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new S3Error('InvalidArgument', `response-${name} is no header`)
    shown[name] = value
  }
  return shown
}
