import { DataplugError } from './errors.js'

/** Half-open byte range `[start, end)`: safe integers, `0 <= start <= end`. */
export type Range = readonly [start: number, end: number]

export function rangeLength(range: Range): number {
  return range[1] - range[0]
}

export function isRange(value: unknown): value is Range {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    Number.isSafeInteger(value[0]) &&
    Number.isSafeInteger(value[1]) &&
    value[0] >= 0 &&
    value[0] <= value[1]
  )
}

/** @throws INVALID_ARGUMENT when `range` is not a range, RANGE_OUTSIDE_OBJECT when it ends past `size`. */
export function checkRange(range: Range, size: number, uri: string): void {
  if (!isRange(range)) {
    throw new DataplugError('INVALID_ARGUMENT', `${JSON.stringify(range)} is not a byte range for ${uri}`, {
      uri,
    })
  }
  if (range[1] > size) {
    throw new DataplugError(
      'RANGE_OUTSIDE_OBJECT',
      `bytes ${range[0]}-${range[1]} do not lie inside ${uri}, which has ${size} bytes`,
      { uri, offset: range[0] },
    )
  }
}

/** Moves both ends into `[0, size]`. */
export function clampRange([start, end]: Range, size: number): Range {
  const clamp = (offset: number) => Math.min(Math.max(offset, 0), size)
  return [clamp(start), clamp(end)]
}

/**
 * Cuts `[0, size)` into exactly `count` ranges whose lengths differ by at most one byte; some are empty
 * when `count > size`. Exact for every safe integer: no product of the two is ever formed.
 */
export function splitEvenly(size: number, count: number): Range[] {
  const base = Math.floor(size / count)
  const longer = size - base * count
  const ranges: Range[] = []
  let start = 0
  for (let i = 0; i < count; i++) {
    const end = start + base + (i < longer ? 1 : 0)
    ranges.push([start, end])
    start = end
  }
  return ranges
}

/** Cuts `[0, size)` into ranges of `length` bytes; the last may be shorter. No range when `size` is 0. */
export function splitBySize(size: number, length: number): Range[] {
  const ranges: Range[] = []
  for (let start = 0; start < size; start += length) ranges.push([start, Math.min(start + length, size)])
  return ranges
}
