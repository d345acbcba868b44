import { concat } from '../bytes.js'
import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { Json, Part } from '../formats/format.js'

// The encoding is specified in docs/index-format.md, "Unfinished work".

const PREFIX = 8

/** A part as bytes, to be kept beside the index or returned by a worker. */
export function encodePart(part: Part, core: Core): Uint8Array<ArrayBuffer> {
  const header: Record<string, Json | undefined> = {}
  const blobs: Uint8Array[] = []
  for (const [name, value] of Object.entries(part)) {
    if (value instanceof Uint8Array) {
      header[name] = { $bytes: value.length }
      blobs.push(value)
    } else {
      header[name] = value
    }
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  // White space after the header: what follows starts at a multiple of eight, and can be viewed in place.
  const space = new Uint8Array(-json.length & 7).fill(0x20)
  const bytes = concat([new Uint8Array(PREFIX), json, space, ...blobs])
  const view = new DataView(bytes.buffer)
  view.setUint32(0, json.length + space.length, true)
  view.setUint32(4, core.crc32(bytes.subarray(PREFIX)), true)
  return bytes
}

/** @throws INVALID_INDEX when `bytes` is not a whole, undamaged part */
export function decodePart(bytes: Uint8Array, core: Core, uri?: string): Part {
  const damaged = () =>
    new DataplugError('INVALID_INDEX', `the task result ${uri ?? ''} is damaged; run the task again`, { uri })
  if (bytes.length < PREFIX) throw damaged()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const jsonLength = view.getUint32(0, true)
  if (jsonLength > bytes.length - PREFIX || view.getUint32(4, true) !== core.crc32(bytes.subarray(PREFIX))) {
    throw damaged()
  }
  let offset = PREFIX + jsonLength
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, offset)))
  if (typeof header !== 'object' || header === null) throw damaged()
  const part: Record<string, Json | Uint8Array> = Object.create(null)
  for (const [name, value] of Object.entries(header as Record<string, Json>)) {
    const length = typeof value === 'object' && value !== null && '$bytes' in value ? value.$bytes : undefined
    if (typeof length === 'number') {
      part[name] = bytes.subarray(offset, offset + length)
      offset += length
    } else {
      part[name] = value
    }
  }
  if (offset !== bytes.length) throw damaged()
  return part
}
