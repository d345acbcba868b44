import { DataplugError } from '../../errors.js'

/** The index of a gzip object as another program keeps it. */
export interface ForeignIndex {
  /** In both offsets ascending, the first at content 0. */
  readonly points: readonly ForeignPoint[]
  /** Bytes of content; undefined when the index does not say. */
  readonly size: number | undefined
  /** Line feeds in the content; undefined when the index does not count them. */
  readonly lineFeeds: number | undefined
}

export interface ForeignPoint {
  /** Bit offset in the object of a deflate block's header. */
  readonly bit: number
  /** Bytes of content before it. */
  readonly content: number
  /** Line feeds in the content before it; 0 when the index does not count them. */
  readonly lineFeeds: number
  /** Up to 32 KiB of the content before it. @throws INVALID_INDEX when it is damaged */
  window(): Promise<Uint8Array<ArrayBuffer>>
}

/** What another program's index is made of. */
export interface ExportedIndex {
  /** Bytes of the object. */
  readonly storedSize: number
  /** Bytes of content. */
  readonly size: number
  /** Bytes of content between points, about. */
  readonly span: number
  /** Line feeds in the content, when they are known. */
  readonly lineFeeds: number | undefined
  readonly points: readonly ForeignPoint[]
}

/** Parses the numbers of an index file from its start on. Never reads past its end. */
export interface Fields {
  readonly offset: number
  readonly left: number
  u8(): number
  u32(): number
  /** A safe integer. */
  u64(): number
  /** A copy. */
  bytes(length: number): Uint8Array<ArrayBuffer>
}

/** @throws INVALID_INDEX (from its methods) when the file ends too early, or a number is not a safe integer */
export function fieldsOf(file: Uint8Array, name: string, littleEndian: boolean): Fields {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let offset = 0
  const take = (length: number) => {
    if (file.length - offset < length) throw invalidForeign(name, `ends early, at byte ${file.length}`)
    offset += length
    return offset - length
  }
  return {
    get offset() {
      return offset
    },
    get left() {
      return file.length - offset
    },
    u8: () => view.getUint8(take(1)),
    u32: () => view.getUint32(take(4), littleEndian),
    u64() {
      const at = take(8)
      const value = view.getBigUint64(at, littleEndian)
      if (value > BigInt(Number.MAX_SAFE_INTEGER))
        throw invalidForeign(name, `has the number ${value} at byte ${at}`)
      return Number(value)
    },
    bytes: (length) => {
      const at = take(length)
      // A copy; `slice` of Node's Buffer would be none.
      return Uint8Array.from(file.subarray(at, at + length))
    },
  }
}

/**
 * The index without points at the end of the content, which some programs add: nothing need start there. Checks
 * what can be seen without the object's bytes.
 *
 * @param storedSize bytes of the object
 * @throws INVALID_INDEX when points do not ascend, or lie outside of the object
 */
export function checkForeign(index: ForeignIndex, storedSize: number, name: string): ForeignIndex {
  const { size = Number.MAX_SAFE_INTEGER, lineFeeds = Number.MAX_SAFE_INTEGER } = index
  const points = index.points.filter(({ content }, i) => i === 0 || content !== size)
  if (points.length === 0) throw invalidForeign(name, 'has no points')
  if (points[0]?.content !== 0) throw invalidForeign(name, 'does not start with the content')
  let before = { bit: -1, content: 0, lineFeeds: 0 }
  for (const [i, point] of points.entries()) {
    if (point.bit <= before.bit || point.content < before.content || point.lineFeeds < before.lineFeeds)
      throw invalidForeign(name, `has point ${i} out of order`)
    if (point.bit >= storedSize * 8 || point.content > size || point.lineFeeds > lineFeeds)
      throw invalidForeign(name, `has point ${i} past the end: is it the index of another object?`)
    before = point
  }
  return { ...index, points }
}

export function invalidForeign(name: string, what: string, cause?: unknown): DataplugError {
  return new DataplugError('INVALID_INDEX', `the index to import, of ${name}, ${what}`, {
    uri: name,
    cause,
  })
}
