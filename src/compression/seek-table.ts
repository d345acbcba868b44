import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'

// The sections `gzip-points` and `gzip-windows` of docs/index-format.md.

const RECORD = 32

/** A place in a gzip stream where decoding can start. */
export interface SeekPoint {
  /** Bit offset in the object of a deflate block's header. */
  readonly bit: number
  /** Bytes of content before it. */
  readonly content: number
  /** Line feeds in the content before it. */
  readonly lineFeeds: number
  /** Where in `gzip-windows` the deflated window lies; empty when nothing before the point is needed. */
  readonly window: Range
}

export interface SeekTable {
  readonly length: number
  /** Point `i`, from 0; they ascend in every member. */
  point(i: number): SeekPoint
  /** The last point at or before a content offset. Point 0 is at 0. */
  atContent(offset: number): number
  /** The last point with fewer than `lineFeeds` line feeds before it (`lineFeeds` from 1). */
  beforeLineFeed(lineFeeds: number): number
}

/** A point and its window, deflated. */
export interface BuiltPoint extends Omit<SeekPoint, 'window'> {
  readonly window: Uint8Array
}

export function encodeSeekTable(points: readonly BuiltPoint[]): { points: Uint8Array; windows: Uint8Array } {
  const records = new Uint8Array(points.length * RECORD)
  const view = new DataView(records.buffer)
  const windows = new Uint8Array(points.reduce((length, { window }) => length + window.length, 0))
  let offset = 0
  for (const [i, { bit, content, lineFeeds, window }] of points.entries()) {
    view.setBigUint64(i * RECORD, BigInt(bit), true)
    view.setBigUint64(i * RECORD + 8, BigInt(content), true)
    view.setBigUint64(i * RECORD + 16, BigInt(lineFeeds), true)
    view.setUint32(i * RECORD + 24, window.length, true)
    windows.set(window, offset)
    offset += window.length
  }
  return { points: records, windows }
}

/** @throws INVALID_INDEX when the records are not a table of ascending points that starts at content 0 */
export function decodeSeekTable(bytes: Uint8Array, uri: string): SeekTable {
  const length = bytes.length / RECORD
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const long = (i: number, at: number) => Number(view.getBigUint64(i * RECORD + at, true))
  const damaged = () =>
    new DataplugError(
      'INVALID_INDEX',
      `the seek points of ${uri} contradict each other; preprocess it again`,
      { uri },
    )
  if (!Number.isInteger(length)) throw damaged()
  // Where each window starts follows from the lengths before it.
  const windowStarts = new Float64Array(length + 1)
  for (let i = 0; i < length; i++) {
    windowStarts[i + 1] = (windowStarts[i] as number) + view.getUint32(i * RECORD + 24, true)
    for (const at of [0, 8, 16]) if (i > 0 && long(i, at) < long(i - 1, at)) throw damaged()
  }
  if (length > 0 && long(0, 8) !== 0) throw damaged()

  /** The last point for which `holds`, which is true up to some point and false from there on. */
  const last = (holds: (i: number) => boolean) => {
    let low = 0
    let high = length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (holds(middle)) low = middle
      else high = middle - 1
    }
    return low
  }
  return {
    length,
    point: (i) => ({
      bit: long(i, 0),
      content: long(i, 8),
      lineFeeds: long(i, 16),
      window: [windowStarts[i] as number, windowStarts[i + 1] as number],
    }),
    atContent: (offset) => last((i) => long(i, 8) <= offset),
    beforeLineFeed: (lineFeeds) => last((i) => i === 0 || long(i, 16) < lineFeeds),
  }
}
