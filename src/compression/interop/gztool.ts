import { concat } from '../../bytes.js'
import { WINDOW_SIZE } from '../../core/inflater.js'
import { deflate, inflate } from '../deflate.js'
import {
  type ExportedIndex,
  type ForeignIndex,
  type ForeignPoint,
  fieldsOf,
  invalidForeign,
} from './foreign-index.js'

// The index of gztool (github.com/circulosmeos/gztool, its own .gzi). Big-endian:
//
//   u64 0, "gzipindx" (version 0) or "gzipindX" (version 1: with line numbers)
//   version 1: u32 how lines end: 0 line feed, 1 carriage return
//   u64 points, u64 the same again; they differ while the index is being written
//   for each point: u64 content offset, u64 offset of the first full byte, u32 bits before that byte,
//     u32 length of the window, the window in zlib's format; version 1: u64 line number, from 1
//   u64 bytes of content; version 1: u64 line feeds

const MAGIC = 'gzipind'
const SMALLEST_POINT = 24

export async function encodeGztool({ points, size, lineFeeds }: ExportedIndex): Promise<Uint8Array> {
  const counted = lineFeeds !== undefined
  const parts: Uint8Array[] = [
    numbers(['u64', 0]),
    new TextEncoder().encode(MAGIC + (counted ? 'X' : 'x')),
    numbers(...(counted ? [['u32', 0] as const] : []), ['u64', points.length], ['u64', points.length]),
  ]
  for (const { bit, content, lineFeeds: before, window } of points) {
    const byte = Math.ceil(bit / 8)
    const zipped = await deflate(await window(), 'deflate')
    parts.push(numbers(['u64', content], ['u64', byte], ['u32', byte * 8 - bit], ['u32', zipped.length]))
    parts.push(zipped)
    if (counted) parts.push(numbers(['u64', before + 1]))
  }
  parts.push(numbers(['u64', size], ...(counted ? [['u64', lineFeeds] as const] : [])))
  return concat(parts)
}

/** @throws INVALID_INDEX when `file` is no complete index of gztool's */
export function decodeGztool(file: Uint8Array, name: string): ForeignIndex {
  const fields = fieldsOf(file, name, false)
  const zero = fields.bytes(8).every((byte) => byte === 0)
  const magic = new TextDecoder('latin1').decode(fields.bytes(8))
  if (!zero || (magic !== `${MAGIC}x` && magic !== `${MAGIC}X`))
    throw invalidForeign(name, 'is not one of gztool: it does not start with its magic')
  const numbered = magic.endsWith('X')
  // Lines that end with a carriage return are not ours.
  const counted = numbered && fields.u32() === 0
  const [count, same] = [fields.bytes(8), fields.bytes(8)]
  if (count.some((byte, i) => byte !== same[i]))
    throw invalidForeign(name, 'is not complete: let gztool finish it')
  const length = Number(new DataView(count.buffer).getBigUint64(0))
  if (length * SMALLEST_POINT > file.length) throw invalidForeign(name, `claims ${length} points`)

  const points: ForeignPoint[] = []
  for (let i = 0; i < length; i++) {
    const content = fields.u64()
    const byte = fields.u64()
    const bits = fields.u32()
    if (bits > 7) throw invalidForeign(name, `has point ${i} at ${bits} bits before a byte`)
    const zipped = fields.bytes(fields.u32())
    const line = numbered ? fields.u64() : 1
    points.push({
      bit: byte * 8 - bits,
      content,
      lineFeeds: counted ? Math.max(0, line - 1) : 0,
      window: async () => {
        try {
          return await inflate(zipped, WINDOW_SIZE, 'deflate')
        } catch (cause) {
          throw invalidForeign(name, `has a damaged window at point ${i}`, cause)
        }
      },
    })
  }
  const size = fields.u64()
  return { points, size, lineFeeds: counted ? fields.u64() : undefined }
}

function numbers(...values: readonly (readonly ['u32' | 'u64', number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((length, [type]) => length + (type === 'u64' ? 8 : 4), 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [type, value] of values) {
    if (type === 'u64') view.setBigUint64(at, BigInt(value))
    else view.setUint32(at, value)
    at += type === 'u64' ? 8 : 4
  }
  return bytes
}
