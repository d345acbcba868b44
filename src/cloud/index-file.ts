import { isCount, isRecord } from '../checks.js'
import type { SectionLocation } from '../compression/access.js'
import { isCompression } from '../compression/compression.js'
import type { Core } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { JsonObject } from '../formats/format.js'
import { checkRange, type Range } from '../range.js'
import { type CallOptions, type ObjectInfo, type ReadableStore, readBytes } from '../storage/store.js'
import {
  CHECKSUM,
  FIRST_READ,
  type IndexHeader,
  MAGIC,
  MAX_HEADER,
  PAGE,
  PREAMBLE,
  type SectionEntry,
  storedLength,
  VERSION,
} from './index-layout.js'

export interface IndexFile {
  readonly uri: string
  readonly etag: string
  readonly header: IndexHeader
  /** @throws INVALID_INDEX when there is no such section or its bytes are damaged, RANGE_OUTSIDE_OBJECT. */
  section(name: string, range?: Range, options?: CallOptions): Promise<Uint8Array>
  /** Bytes of data in a section. @throws INVALID_INDEX when there is no such section */
  sectionLength(name: string): number
  /** @throws INVALID_INDEX when there is no such section */
  locate(name: string): SectionLocation
}

/**
 * Opens an index with one ranged read of 4096 bytes, and a second one when its header is longer.
 *
 * @throws NOT_FOUND when there is none, INVALID_INDEX when it is malformed, truncated, damaged or of another
 * version, and the transport codes.
 */
export async function openIndex(
  store: ReadableStore,
  uri: string,
  core: Core,
  options?: CallOptions,
): Promise<IndexFile> {
  let info: ObjectInfo | undefined
  const onInfo = (seen: ObjectInfo) => {
    info = seen
  }
  const first = await readBytes(store, uri, [0, FIRST_READ], { ...options, onInfo }).catch(
    (error: unknown) => {
      if (isDataplugError(error, 'RANGE_OUTSIDE_OBJECT')) throw invalid('is shorter than any index')
      throw error
    },
  )
  if (!info) throw invalid('cannot be identified: its store reports no ETag')
  const { etag, size } = info

  const view = new DataView(first.buffer)
  if (MAGIC.some((byte, i) => first[i] !== byte)) throw invalid('does not start with the magic of an index')
  if (view.getUint16(8, true) !== VERSION) {
    throw invalid(`has version ${view.getUint16(8, true)}; this library reads version ${VERSION}`)
  }
  if (view.getUint32(28, true) !== core.crc32(first.subarray(0, 28))) throw invalid('has a damaged preamble')
  if (view.getBigUint64(16, true) !== BigInt(size)) {
    throw invalid(`should have ${view.getBigUint64(16, true)} bytes but has ${size}`)
  }
  const headerLength = view.getUint32(12, true)
  const headerEnd = PREAMBLE + headerLength
  if (headerLength > MAX_HEADER || headerEnd > size) throw invalid(`claims a header of ${headerLength} bytes`)
  const json =
    headerEnd <= FIRST_READ
      ? first.subarray(PREAMBLE, headerEnd)
      : await readBytes(store, uri, [PREAMBLE, headerEnd], { ...options, ifMatch: etag })
  if (view.getUint32(24, true) !== core.crc32(json)) throw invalid('has a damaged header')
  const header = parseHeader(json, Math.max(FIRST_READ, headerEnd), size)
  if (!header) throw invalid('has a header that does not follow docs/index-format.md')

  return { uri, etag, header, section, sectionLength: (name) => entryOf(name).length, locate }

  function entryOf(name: string): SectionEntry {
    const entry = header?.sections.find((candidate) => candidate.name === name)
    if (!entry) throw invalid(`has no section "${name}"`)
    return entry
  }

  function locate(name: string): SectionLocation {
    const { offset, length } = entryOf(name)
    return { uri, etag, offset, length }
  }

  async function section(name: string, range?: Range, callOptions?: CallOptions): Promise<Uint8Array> {
    const location = locate(name)
    const wanted = range ?? [0, location.length]
    checkRange(wanted, location.length, uri)
    return readSection(location, wanted, store, core, callOptions)
  }

  function invalid(what: string): DataplugError {
    return invalidIndex(uri, what)
  }
}

/** Bytes `[from, to)` of a section, in one ranged read, every page checked. */
export async function readSection(
  { uri, etag, offset, length }: SectionLocation,
  [from, to]: Range,
  store: ReadableStore,
  core: Core,
  options?: CallOptions,
): Promise<Uint8Array> {
  if (from === to) return new Uint8Array(0)
  const firstPage = Math.floor(from / PAGE)
  const lastPage = Math.floor((to - 1) / PAGE)
  const dataStart = firstPage * PAGE
  const dataEnd = Math.min((lastPage + 1) * PAGE, length)
  const stored = await readBytes(
    store,
    uri,
    [offset + dataStart + firstPage * CHECKSUM, offset + dataEnd + (lastPage + 1) * CHECKSUM],
    { ...options, ifMatch: etag },
  )
  const view = new DataView(stored.buffer)
  const data = new Uint8Array(dataEnd - dataStart)
  for (let at = 0, filled = 0; filled < data.length; ) {
    const page = stored.subarray(at, at + Math.min(PAGE, data.length - filled))
    if (view.getUint32(at + page.length, true) !== core.crc32(page)) {
      throw new DataplugError(
        'INVALID_INDEX',
        `the index ${uri} is damaged; remove it and preprocess again`,
        {
          uri,
          offset: offset + dataStart + firstPage * CHECKSUM + at,
        },
      )
    }
    data.set(page, filled)
    filled += page.length
    at += page.length + CHECKSUM
  }
  return data.subarray(from - dataStart, to - dataStart)
}

/** Reads every page of every section, for `verify`. */
export async function verifySections(index: IndexFile, options?: CallOptions): Promise<void> {
  for (const { name, length } of index.header.sections) {
    for (let from = 0; from < length; from += 4 << 20) {
      await index.section(name, [from, Math.min(from + (4 << 20), length)], options)
    }
  }
}

function parseHeader(json: Uint8Array, firstSection: number, fileLength: number): IndexHeader | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
  } catch {
    return undefined
  }
  if (!isRecord(value) || !isRecord(value.attributes) || !Array.isArray(value.sections)) return undefined
  const { format, formatVersion, uri, size, etag, compression, options } = value
  if (typeof format !== 'string' || typeof uri !== 'string' || typeof etag !== 'string') return undefined
  if (!isCount(formatVersion) || !isCount(size)) return undefined
  if (compression !== undefined && !isCompression(compression)) return undefined
  if (options !== undefined && !isRecord(options)) return undefined
  const sections: SectionEntry[] = []
  let next = firstSection
  for (const entry of value.sections as readonly unknown[]) {
    if (!isRecord(entry) || typeof entry.name !== 'string') return undefined
    if (entry.offset !== next || !isCount(entry.length)) return undefined
    sections.push({ name: entry.name, offset: next, length: entry.length })
    next += storedLength(entry.length)
  }
  if (next !== fileLength) return undefined
  const attributes = value.attributes as JsonObject
  return {
    format,
    formatVersion,
    uri,
    size,
    etag,
    attributes,
    ...(options ? { options: options as JsonObject } : {}),
    ...(compression ? { compression } : {}),
    sections,
  }
}

function invalidIndex(uri: string, what: string): DataplugError {
  return new DataplugError('INVALID_INDEX', `the index ${uri} ${what}; remove it and preprocess again`, {
    uri,
  })
}
