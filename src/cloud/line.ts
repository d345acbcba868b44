import { isCount, isRecord } from '../checks.js'
import { type Access, isAccess } from '../compression/access.js'
import type { CompressionKind } from '../compression/detect.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat, JsonObject } from '../formats/format.js'
import { findFormat } from '../formats/registry.js'
import { isRange, type Range } from '../range.js'

/** What every line that crosses machines begins with; raised when the shape below changes. */
export const LINE_VERSION = 1

interface Line {
  readonly dataplug: typeof LINE_VERSION
  readonly format: string
  /** Version of the format that wrote the line. */
  readonly version: number
  readonly uri: string
  /** Bytes of the stored object. */
  readonly size: number
  readonly etag: string
  /** `id` of `of`: position among its siblings, from 0. */
  readonly id: number
  readonly of: number
  /** How to get at the content of a compressed object; absent when the line is about the stored bytes. */
  readonly access?: Access
}

/** What a format's `prepare` found before the first task, with the options it was given. */
export interface Prepared {
  readonly options: JsonObject
  readonly result: JsonObject
}

/** One step of preprocessing: scan `range` of the object, or of its content. */
export interface TaskLine extends Line {
  readonly kind: 'task'
  /** What to look for: the compressed stream's own structure, or what the format scans for. */
  readonly stage: 'gzip' | 'scan'
  /** Stage gzip: bytes of content between seek points. */
  readonly span?: number
  /** Stage gzip: what to look for. Default `gzip`. */
  readonly compression?: CompressionKind
  /** Stage gzip, of BGZF: the headers of blocks tell all that is wanted, nothing is inflated. */
  readonly headersOnly?: true
  /** Stage gzip: the block at which the chunk starts, and in base64 the content before it, when they are known. */
  readonly from?: { readonly bit: number; readonly window: string }
  /** Stage gzip: the format scans the content while it is decoded. The chunk's begins at this offset of it. */
  readonly content?: number
  readonly range: Range
  /** Stage scan, of the content of a compressed object: its index does not count the line feeds. */
  readonly uncounted?: true
  /** What all tasks agree on that the format scans, when it has a `prepare`. */
  readonly prepared?: Prepared
}

/** One partition. `data` is the format's own description of it. */
export interface SliceLine extends Line {
  readonly kind: 'slice'
  readonly strategy: string
  readonly data: JsonObject
}

/**
 * Parses a task or slice from JSON text or its parsed value. Unknown members are dropped; the result is
 * made of fresh objects, whatever the input's prototypes.
 *
 * @throws INVALID_SLICE when the shape is not the documented one
 */
export function parseLine(input: unknown): TaskLine | SliceLine {
  let value = input
  if (typeof input === 'string') {
    try {
      value = JSON.parse(input)
    } catch (cause) {
      throw new DataplugError('INVALID_SLICE', `not a JSON line: ${excerpt(input)}`, { cause })
    }
  }
  if (!isRecord(value)) throw malformed('is not an object', value)
  if (value.dataplug !== LINE_VERSION) {
    throw malformed(
      `has "dataplug": ${excerpt(value.dataplug)}; this library reads version ${LINE_VERSION}`,
      value,
    )
  }
  const { kind, format, version, uri, size, etag, id, of, access } = value
  if (typeof format !== 'string' || format === '') throw malformed('has no "format"', value)
  if (!isCount(version)) throw malformed('has no "version"', value)
  if (typeof uri !== 'string' || uri === '') throw malformed('has no "uri"', value)
  if (!isCount(size)) throw malformed('has no "size" in bytes', value)
  if (typeof etag !== 'string') throw malformed('has no "etag"', value)
  if (!isCount(id) || !isCount(of) || id >= of) throw malformed('needs "id" and "of" with id < of', value)
  if (access !== undefined && !isAccess(access, size)) throw malformed('has an "access" that is none', value)
  const line = {
    dataplug: LINE_VERSION,
    format,
    version,
    uri,
    size,
    etag,
    id,
    of,
    ...(access === undefined ? {} : { access: cloneJson(access) }),
  } as const

  if (kind === 'task') {
    const { range, stage, span, from, compression, headersOnly, content, uncounted, prepared } = value
    if (stage !== 'gzip' && stage !== 'scan') throw malformed('has no "stage"', value)
    if (!isRange(range)) throw malformed('has no "range" [start, end)', value)
    const limit = access?.size ?? size
    if (range[1] > limit)
      throw malformed(`has a range that ends past the ${limit} bytes of the object`, value)
    if (stage === 'gzip' && (!isCount(span) || span === 0)) throw malformed('has no "span"', value)
    if (compression !== undefined && compression !== 'gzip' && compression !== 'bgzf')
      throw malformed('has a "compression" that is none', value)
    if (from !== undefined && !isFrom(from, size)) throw malformed('has a "from" that is none', value)
    if (headersOnly !== undefined && headersOnly !== true)
      throw malformed('has a "headersOnly" that is not true', value)
    if (content !== undefined && !isCount(content)) throw malformed('has a "content" that is none', value)
    if (uncounted !== undefined && uncounted !== true)
      throw malformed('has an "uncounted" that is not true', value)
    if (prepared !== undefined && !isPrepared(prepared))
      throw malformed('has a "prepared" that is none', value)
    return {
      ...line,
      kind,
      stage,
      range: [range[0], range[1]],
      ...(span === undefined ? {} : { span: span as number }),
      ...(compression === undefined ? {} : { compression }),
      ...(from === undefined ? {} : { from: { bit: from.bit, window: from.window } }),
      ...(headersOnly === undefined ? {} : { headersOnly }),
      ...(content === undefined ? {} : { content }),
      ...(uncounted === undefined ? {} : { uncounted }),
      ...(prepared === undefined ? {} : { prepared: copyPrepared(prepared) }),
    }
  }
  if (kind === 'slice') {
    const { strategy, data } = value
    if (typeof strategy !== 'string') throw malformed('has no "strategy"', value)
    if (!isRecord(data)) throw malformed('has no "data"', value)
    return { ...line, kind, strategy, data: cloneJson(data as JsonObject) }
  }
  throw malformed('is neither a "task" nor a "slice"', value)
}

/** The format of a line. @throws UNKNOWN_FORMAT when it is not known here or has another version. */
export async function formatOf(line: Line): Promise<AnyFormat> {
  const format = await findFormat(line.format)
  if (format.version !== line.version) {
    throw new DataplugError(
      'UNKNOWN_FORMAT',
      `the line for ${line.uri} was written by version ${line.version} of format "${line.format}"; ` +
        `version ${format.version} is installed here: use the same release on both sides`,
      { uri: line.uri },
    )
  }
  return format
}

function malformed(what: string, value: unknown): DataplugError {
  const uri = isRecord(value) && typeof value.uri === 'string' ? value.uri : undefined
  return new DataplugError('INVALID_SLICE', `the line ${what}: ${excerpt(value)}`, { uri })
}

function excerpt(value: unknown): string {
  const text = (typeof value === 'string' ? value : JSON.stringify(value)) ?? 'undefined'
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

function isFrom(value: unknown, size: number): value is NonNullable<TaskLine['from']> {
  return isRecord(value) && isCount(value.bit) && value.bit <= size * 8 && typeof value.window === 'string'
}

export function isPrepared(value: unknown): value is Prepared {
  return isRecord(value) && isRecord(value.options) && isRecord(value.result)
}

/** Fresh objects with the documented members only. */
export function copyPrepared({ options, result }: Prepared): Prepared {
  return { options: cloneJson(options), result: cloneJson(result) }
}

// A member named `__proto__`, which JSON.parse creates as an own property, is dropped on the way.
function cloneJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (key, member: unknown) =>
    key === '__proto__' ? undefined : member,
  ) as T
}
