import type { Compression } from '../compression/compression.js'
import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { Built, JsonObject } from '../formats/format.js'
import type { Content, ObjectInfo } from '../storage/store.js'
import {
  CHECKSUM,
  FIRST_READ,
  type IndexHeader,
  MAGIC,
  MAX_HEADER,
  PAGE,
  PREAMBLE,
  storedLength,
  VERSION,
} from './index-layout.js'

/** An index, ready to be published by one write. Its bytes are made page by page, from the sections' own. */
export function encodeIndex(
  core: Core,
  source: ObjectInfo,
  format: { readonly name: string; readonly version: number },
  built: Built<unknown>,
  compression?: Compression,
  options: JsonObject = {},
): Content {
  const entries = Object.entries(built.sections ?? {}).map(([name, data]): readonly [string, Section] => {
    const pieces = data instanceof Uint8Array ? [data] : data
    return [name, { pieces, length: pieces.reduce((length, piece) => length + piece.length, 0) }]
  })
  // The header names section offsets, which depend on the header's length: settle by iteration, since
  // the offsets only grow and each digit more is a byte more.
  let start = FIRST_READ
  let json: Uint8Array
  for (;;) {
    json = new TextEncoder().encode(JSON.stringify(headerFor(start)))
    const needed = Math.max(FIRST_READ, PREAMBLE + json.length)
    if (needed <= start) break
    start = needed
  }
  if (json.length > MAX_HEADER) {
    throw new DataplugError(
      'UNSUPPORTED',
      `the attributes of ${source.uri} take ${json.length} bytes; 1 MiB is the limit`,
      {
        uri: source.uri,
      },
    )
  }

  const total = entries.reduce((end, [, data]) => end + storedLength(data.length), start)
  const head = new Uint8Array(start)
  const view = new DataView(head.buffer)
  head.set(MAGIC)
  view.setUint16(8, VERSION, true)
  view.setUint32(12, json.length, true)
  view.setBigUint64(16, BigInt(total), true)
  view.setUint32(24, core.crc32(json), true)
  view.setUint32(28, core.crc32(head.subarray(0, 28)), true)
  head.set(json, PREAMBLE)
  return {
    length: total,
    *pieces() {
      yield head
      for (const [, { pieces }] of entries) yield* checkedPages(pieces, core)
    },
  }

  function headerFor(firstSection: number): IndexHeader {
    let next = firstSection
    const sections = entries.map(([name, data]) => {
      const entry = { name, offset: next, length: data.length }
      next += storedLength(data.length)
      return entry
    })
    return {
      format: format.name,
      formatVersion: format.version,
      uri: source.uri.replace(/^(https?:[^?#]*)[?#].*$/, '$1'),
      size: source.size,
      etag: source.etag,
      attributes: built.attributes as JsonObject,
      ...(Object.keys(options).length === 0 ? {} : { options }),
      ...(compression === undefined ? {} : { compression }),
      sections,
    }
  }
}

interface Section {
  readonly pieces: readonly Uint8Array[]
  readonly length: number
}

/** Pages to make at once: a write of 4 KiB costs as much as one of many times that. */
const PAGES_AT_ONCE = 32

/** The pieces one after the other, in pages, each followed by its checksum. All in one buffer that is filled again. */
function* checkedPages(pieces: readonly Uint8Array[], core: Core): Generator<Uint8Array> {
  const buffer = new Uint8Array(PAGES_AT_ONCE * (PAGE + CHECKSUM))
  const view = new DataView(buffer.buffer)
  let page = 0
  let end = 0
  const close = () => {
    view.setUint32(end, core.crc32(buffer.subarray(page, end)), true)
    end += CHECKSUM
    page = end
  }
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; ) {
      const part = piece.subarray(from, from + PAGE - (end - page))
      buffer.set(part, end)
      end += part.length
      from += part.length
      if (end - page < PAGE) continue
      close()
      if (end < buffer.length) continue
      yield buffer
      page = end = 0
    }
  }
  if (end > page) close()
  if (end > 0) yield buffer.subarray(0, end)
}
