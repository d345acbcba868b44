import { isCount, isRecord } from '../checks.js'
import { isRange, type Range } from '../range.js'
import type { SeekTable } from './seek-table.js'

/** Where a section of an index lies: all that is needed to read from it without opening the index again. */
export interface SectionLocation {
  readonly uri: string
  readonly etag: string
  /** Where its first page starts in the index file. */
  readonly offset: number
  /** Bytes of data in it. */
  readonly length: number
}

/** How a slice of a compressed object gets at its content. Part of the slice's JSON. */
export type Access = {
  readonly kind: 'gzip'
  /** Bytes of content of the whole object. */
  readonly size: number
  /** Stretches of the object, ascending, that hold the content the slice reads. */
  readonly spans: readonly Span[]
  /** Where windows lie that the spans do not hold themselves. */
  readonly windows?: SectionLocation
}

export type Span = {
  /** Offset of the first byte of content. */
  readonly content: number
  /** Bit offset in the object where decoding starts: a block's, or 0 where the object and its content start. */
  readonly bit: number
  /** Byte offset in the object before which all the content lies that was foreseen. */
  readonly end: number
  /** The window: where in `windows`, or in base64; deflated either way. Absent when nothing is needed. */
  readonly window?: Range | string
}

/**
 * The spans that hold `ranges` of the content: from the last seek point at or before each range to the first
 * at or after its end. Spans that meet become one.
 *
 * @param storedSize bytes of the object
 */
export function spansFor(ranges: readonly Range[], table: SeekTable, storedSize: number): Span[] {
  const spans: (Span & { readonly last: number })[] = []
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (start === end || table.length === 0) continue
    const first = table.atContent(start)
    let last = table.atContent(end)
    if (table.point(last).content < end) last++
    const stop = last < table.length ? Math.ceil(table.point(last).bit / 8) : storedSize
    const previous = spans[spans.length - 1]
    if (previous && first <= previous.last) {
      if (last > previous.last) spans[spans.length - 1] = { ...previous, end: stop, last }
      continue
    }
    const { content, bit, window } = table.point(first)
    spans.push({ content, bit, end: stop, last, ...(window[0] === window[1] ? {} : { window }) })
  }
  return spans.map(({ last: _, ...span }) => span)
}

/** Whether `value`, from a slice's JSON, has the documented shape and stays within an object of `storedSize`. */
export function isAccess(value: unknown, storedSize: number): value is Access {
  if (!isRecord(value) || value.kind !== 'gzip' || !isCount(value.size) || !Array.isArray(value.spans))
    return false
  const { windows } = value
  if (windows !== undefined && !isLocation(windows)) return false
  return value.spans.every((span: unknown) => {
    if (!isRecord(span) || !isCount(span.content) || !isCount(span.bit) || !isCount(span.end)) return false
    if (span.content > (value.size as number) || span.end > storedSize || span.bit > span.end * 8)
      return false
    const { window } = span
    if (window === undefined || typeof window === 'string') return true
    return isRange(window) && windows !== undefined && window[1] <= (windows as SectionLocation).length
  })
}

function isLocation(value: unknown): value is SectionLocation {
  return (
    isRecord(value) &&
    typeof value.uri === 'string' &&
    typeof value.etag === 'string' &&
    isCount(value.offset) &&
    isCount(value.length)
  )
}
