import type { Index, LineCheckpoints } from '../format.js'
import { BLOCK_SIZE, PAGE_BLOCKS } from './counts.js'
import { type CountSections, openLineCounts } from './line-counts.js'

/**
 * About how many line feeds lie before each of `offsets`, which ascend, as the results do. For a plain object
 * exact for the block of 512 bytes the offset lies in; for a compressed one, interpolated between seek points.
 *
 * @param total line feeds in the object
 * @throws INVALID_INDEX when the index does not hold what it claims
 */
export async function estimateLines(
  index: Index<unknown>,
  offsets: readonly number[],
  total: number,
): Promise<number[]> {
  return index.checkpoints
    ? byCheckpoints(await index.checkpoints(), index.size, offsets, total)
    : byCounts(index, offsets)
}

function byCheckpoints(
  places: LineCheckpoints,
  size: number,
  offsets: readonly number[],
  total: number,
): number[] {
  let i = 0
  return offsets.map((offset) => {
    while (i + 1 < places.length && places.offset(i + 1) <= offset) i++
    const [start, before] = [places.offset(i), places.lineFeeds(i)]
    const isLast = i + 1 === places.length
    const end = isLast ? size : places.offset(i + 1)
    const after = isLast ? total : places.lineFeeds(i + 1)
    return end === start ? before : before + Math.floor(((offset - start) / (end - start)) * (after - before))
  })
}

/** As `estimateLines`, by the counts of what the sections count. */
export async function byCounts(
  index: Index<unknown>,
  offsets: readonly number[],
  sections?: CountSections,
): Promise<number[]> {
  const table = await openLineCounts(index, sections)
  const results: number[] = []
  let page = -1
  let counts: Uint16Array = new Uint16Array(0)
  let block = 0
  let seen = 0
  for (const offset of offsets) {
    const target = Math.floor(offset / BLOCK_SIZE)
    const targetPage = Math.min(Math.floor(target / PAGE_BLOCKS), table.pageCount - 1)
    if (targetPage < 0) {
      results.push(0)
      continue
    }
    if (targetPage !== page) {
      page = targetPage
      counts = await table.counts(page)
      block = 0
      seen = table.linesBefore(page)
    }
    for (; block < target - page * PAGE_BLOCKS && block < counts.length; block++) seen += counts[block] ?? 0
    results.push(seen)
  }
  return results
}
