import { concat } from '../../bytes.js'
import { WINDOW_SIZE } from '../../core/inflater.js'
import {
  type ExportedIndex,
  type ForeignIndex,
  type ForeignPoint,
  fieldsOf,
  invalidForeign,
} from './foreign-index.js'

// The index of indexed_gzip (github.com/pauldmccarthy/indexed_gzip, zran.h). Little-endian:
//
//   "GZIDX", u8 version 1, u8 0
//   u64 bytes of the object, u64 bytes of content, 0 when they are not known
//   u32 span, u32 length of a window, u32 points
//   for each point: u64 offset of the first full byte, u64 content offset, u8 bits before that byte,
//     u8 whether there is a window (version 0: there is for all but the first)
//   the windows, one after the other, as they are
// The last point is the end of the object and of its content.

const MAGIC = 'GZIDX'
const HEADER = 35
const POINT = 18
/** indexed_gzip takes no smaller span than a window. */
const SMALLEST_SPAN = WINDOW_SIZE
const LARGEST_SPAN = 0xffffffff

export async function encodeIndexedGzip(index: ExportedIndex): Promise<Uint8Array> {
  const { size, storedSize, span } = index
  const points = [...index.points, endPoint(index)]
  const table = new Uint8Array(HEADER + points.length * POINT)
  const view = new DataView(table.buffer)
  table.set(new TextEncoder().encode(MAGIC))
  view.setUint8(5, 1)
  view.setBigUint64(7, BigInt(storedSize), true)
  view.setBigUint64(15, BigInt(size), true)
  view.setUint32(23, Math.min(Math.max(span, SMALLEST_SPAN), LARGEST_SPAN), true)
  view.setUint32(27, WINDOW_SIZE, true)
  view.setUint32(31, points.length, true)
  const windows: Uint8Array[] = []
  for (const [i, { bit, content, window }] of points.entries()) {
    const byte = Math.ceil(bit / 8)
    const at = HEADER + i * POINT
    view.setBigUint64(at, BigInt(byte), true)
    view.setBigUint64(at + 8, BigInt(content), true)
    view.setUint8(at + 16, byte * 8 - bit)
    const bytes = await window()
    if (bytes.length === 0) continue
    view.setUint8(at + 17, 1)
    windows.push(new Uint8Array(WINDOW_SIZE - bytes.length), bytes)
  }
  return concat([table, ...windows])
}

function endPoint({ size, storedSize }: ExportedIndex): ForeignPoint {
  return { bit: storedSize * 8, content: size, lineFeeds: 0, window: async () => new Uint8Array(0) }
}

/** @throws INVALID_INDEX when `file` is no index of indexed_gzip's, or one of another object */
export function decodeIndexedGzip(file: Uint8Array, name: string, storedSize: number): ForeignIndex {
  const fields = fieldsOf(file, name, true)
  if (new TextDecoder('latin1').decode(fields.bytes(5)) !== MAGIC)
    throw invalidForeign(name, 'is not one of indexed_gzip: it does not start with its magic')
  const version = fields.u8()
  if (version > 1) throw invalidForeign(name, `has version ${version}; 0 and 1 can be read`)
  fields.u8()
  const madeFor = fields.u64()
  if (madeFor !== storedSize)
    throw invalidForeign(name, `was made for ${madeFor} bytes, but the object has ${storedSize}`)
  const size = fields.u64()
  fields.u32()
  const windowSize = fields.u32()
  const length = fields.u32()
  if (windowSize < WINDOW_SIZE) throw invalidForeign(name, `has windows of ${windowSize} bytes`)
  const pointSize = version === 0 ? POINT - 1 : POINT
  if (length * pointSize > fields.left) throw invalidForeign(name, `claims ${length} points`)

  const places = Array.from({ length }, (_, i) => {
    const byte = fields.u64()
    const content = fields.u64()
    const bits = fields.u8()
    if (bits > 7) throw invalidForeign(name, `has point ${i} at ${bits} bits before a byte`)
    const hasWindow = version === 0 ? i > 0 : fields.u8() !== 0
    return { bit: byte * 8 - bits, content, hasWindow }
  })
  const points = places.map(({ bit, content, hasWindow }): ForeignPoint => {
    // The newest 32 KiB; deflate reaches no further.
    const window = hasWindow ? fields.bytes(windowSize).slice(-WINDOW_SIZE) : new Uint8Array(0)
    return { bit, content, lineFeeds: 0, window: async () => window }
  })
  return { points, size: size === 0 ? undefined : size, lineFeeds: undefined }
}
