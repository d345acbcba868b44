import { type Range, rangeLength } from '../../range.js'
import type { Source } from '../format.js'

/** Bytes of a range that was fetched. */
export type FetchedBytes = (range: Range) => Uint8Array<ArrayBuffer>

/** Ranges that lie no further apart than this are read by one request: that costs less than another one. */
const GAP = 64 << 10

/** Reads all of the ranges, those near each other by one request. */
export async function fetchRanges(source: Source, ranges: readonly Range[]): Promise<FetchedBytes> {
  const runs: [start: number, end: number][] = []
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (start === end) continue
    const last = runs.at(-1)
    if (last && start - last[1] <= GAP) last[1] = Math.max(last[1], end)
    else runs.push([start, end])
  }
  const read = await Promise.all(runs.map((run) => source.bytes(run)))
  return (range) => {
    if (rangeLength(range) === 0) return new Uint8Array(0)
    const i = runs.findLastIndex(([start]) => start <= range[0])
    const start = runs[i]?.[0] ?? 0
    const bytes = read[i]?.subarray(range[0] - start, range[1] - start)
    // Whoever decodes asks for what was fetched.
    if (bytes?.length !== rangeLength(range))
      throw new RangeError(`bytes ${range.join('-')} were not fetched`)
    return bytes
  }
}

/** From the start of the first range to the end of the last. */
export function hull(ranges: readonly Range[]): Range {
  return ranges.reduce(
    ([start, end], range) => [Math.min(start, range[0]), Math.max(end, range[1])],
    ranges[0] ?? [0, 0],
  )
}
