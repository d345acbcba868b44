/*
 * URIs, as every layer above understands them.
 *
 * - `s3://bucket/key` and `memory:key`: the key is everything after the bucket's slash (or the colon), taken
 *   literally. Spaces, Unicode, `#`, `?`, `%` and `//` stand for themselves; nothing is percent-decoded.
 * - `http:`, `https:`, `file:`: URLs, so percent-encoded.
 * - `blob:name`: a `Blob` known under that name.
 * - anything without a scheme is a path; its canonical form is the absolute `file:///…` URL.
 */
import { DataplugError } from '../errors.js'

/** Ending of an index's name. */
export const INDEX_SUFFIX = '.dataplug'

/** Scheme in lower case without the colon; `undefined` for a path. One letter is a Windows drive. */
export function scheme(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase()
}

function invalid(uri: string, why: string, cause?: unknown): DataplugError {
  return new DataplugError('INVALID_URI', `${displayUri(uri)}: ${why}`, { uri, cause })
}

/** @throws INVALID_URI without a bucket or key. */
export function parseS3Uri(uri: string): { readonly bucket: string; readonly key: string } {
  const { bucket, key } = parseS3Prefix(uri)
  if (key === '') throw invalid(uri, 'has no key; write s3://bucket/key')
  return { bucket, key }
}

/** As `parseS3Uri`, but the key may be empty: it is the beginning of the keys meant. */
export function parseS3Prefix(uri: string): { readonly bucket: string; readonly key: string } {
  const match = /^s3:\/\/([^/]+)(?:\/([\s\S]*))?$/i.exec(uri)
  if (!match?.[1]) throw invalid(uri, 'has no bucket; write s3://bucket/key')
  return { bucket: match[1], key: match[2] ?? '' }
}

/**
 * The absolute `file:///…` URL of a path, on the host's own path rules. A slash at the end is kept.
 *
 * @param base directory that a relative path starts from; default: the working directory
 * @throws INVALID_URI for a relative path where there is no working directory, as in a browser.
 */
export function fileUri(path: string, base?: string): string {
  const host = globalThis.process as { platform?: string; cwd?(): string } | undefined
  const windows = host?.platform === 'win32'
  const slashes = (text: string) => (windows ? text.replaceAll('\\', '/') : text)
  let absolute = slashes(path)
  if (!absolute.startsWith('/') && !(windows && /^[a-z]:/i.test(absolute))) {
    const from = base ?? host?.cwd?.()
    if (from === undefined || path === '') {
      throw invalid(path, 'is not a URI; without a file system, give an http:, https: or blob: one')
    }
    absolute = `${slashes(from)}/${absolute}`
  }
  // The URL parser encodes the rest, and resolves `.` and `..`; it would drop space at the end.
  const encoded = `/${absolute}`
    .replace(/\/{2,}/g, '/')
    .replace(/[%\\#?\p{Cc} ]/gu, (character) => encodeURIComponent(character))
  return new URL(`file://${encoded}`).href
}

/**
 * One spelling for one object: lower-case scheme; a path becomes its `file:///…` URL, so that a slice also
 * works from another directory; http(s) URLs lose their fragment and are otherwise kept as they are.
 *
 * @throws INVALID_URI
 */
export function canonicalUri(location: string): string {
  const kind = scheme(location)
  if (kind === undefined) return fileUri(location)
  const rest = location.slice(kind.length)
  switch (kind) {
    case 's3':
      parseS3Prefix(location)
      return kind + rest
    case 'http':
    case 'https':
      if (!URL.canParse(location)) throw invalid(location, 'is not a valid URL')
      return kind + rest.replace(/#.*$/s, '')
    case 'file': {
      if (!rest.startsWith(':/') || !URL.canParse(location))
        throw invalid(location, 'write file:///absolute/path')
      const url = new URL(location)
      if (url.search !== '' || url.hash !== '') {
        throw invalid(location, 'in a file: URL write ? as %3F and # as %23')
      }
      return url.href
    }
    default:
      return kind + rest
  }
}

/** What is left of a URI in messages: without the query of a URL, which may carry a signature. */
export function displayUri(uri: string): string {
  return isUrl(uri) ? uri.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)[^/]*@/i, '$1') : uri
}

function isUrl(uri: string): boolean {
  const kind = scheme(uri)
  return kind === 'http' || kind === 'https'
}

function isEncoded(uri: string): boolean {
  return isUrl(uri) || scheme(uri) === 'file'
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** URI without query, fragment and trailing slashes, cut before its path. */
function splitUri(uri: string): { readonly head: string; readonly path: string } {
  const bare = isUrl(uri) ? uri.replace(/[?#].*$/s, '') : uri
  const head = /^(?:[a-z][a-z0-9+.-]+:\/\/[^/]*|[a-z][a-z0-9+.-]+:)/i.exec(bare)?.[0] ?? ''
  const path = bare.slice(head.length)
  const trimmed = path.replace(/\/+$/, '')
  return { head, path: trimmed === '' ? path.slice(0, 1) : trimmed }
}

/** The last segment of the path, decoded where the scheme is percent-encoded; a trailing slash is ignored. */
export function basename(uri: string): string {
  const { path } = splitUri(uri)
  const name = path.slice(path.lastIndexOf('/') + 1)
  return isEncoded(uri) ? decode(name) : name
}

function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    throw new DataplugError('INVALID_ARGUMENT', `"${name}" is not the name of a neighbouring object`)
  }
}

/**
 * The URI with its last segment replaced by `name` (not encoded). The query of a URL is dropped: a signature
 * holds for one object only.
 *
 * @throws INVALID_ARGUMENT when `name` is not a single segment.
 */
export function siblingUri(uri: string, name: string): string {
  checkName(name)
  const { head, path } = splitUri(uri)
  const parent = path.slice(0, path.lastIndexOf('/') + 1)
  const slash = parent === '' && head.includes('//') ? '/' : ''
  return head + parent + slash + (isEncoded(uri) ? encodeURIComponent(name) : name)
}

/** The URI of `path` (not encoded, segments separated by `/`) below the folder `uri`. */
export function childUri(uri: string, path: string): string {
  const segments = path.split('/')
  if (isEncoded(uri) && segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw invalid(uri, `cannot hold an object named "${path}"`)
  }
  const name = isEncoded(uri) ? segments.map(encodeURIComponent).join('/') : path
  const folder = isUrl(uri) ? uri.replace(/[?#].*$/s, '') : uri
  return folder + (/[/:]$/.test(folder) ? '' : '/') + name
}

/**
 * Where the index of an object lies.
 *
 * - Without `metadata`: beside the object, as `<uri>.dataplug`. For URLs `.dataplug` is put on the path and the
 *   query is dropped; trailing slashes of a folder are dropped too.
 * - `metadata` ending in `/` is a folder: below it, at the object's URI without scheme and query, so that
 *   objects of different buckets never meet: `s3://indexes/` and `s3://data/a/b.csv` give
 *   `s3://indexes/data/a/b.csv.dataplug`.
 * - any other `metadata` is the index itself.
 *
 * Paths may be given for both; the result is canonical.
 *
 * @throws INVALID_URI
 */
export function indexUri(uri: string, metadata?: string): string {
  const object = canonicalUri(uri)
  const { head, path } = splitUri(object)
  if (metadata === undefined)
    return `${head}${path === '' && head.includes('//') ? '/' : path}${INDEX_SUFFIX}`
  const place = canonicalUri(metadata)
  if (!place.endsWith('/')) return place
  const address = head
    .slice(head.indexOf(':') + 1)
    .replace(/^\/\/(?:[^/]*@)?/, '')
    .replace(':', '_')
  const name = (address + (isEncoded(object) ? decode(path) : path)).replace(/^\//, '')
  return childUri(place, name + INDEX_SUFFIX)
}

/** Order of the UTF-8 bytes, as S3 lists keys; JavaScript's own order differs beyond U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
