import { isRange, type Range } from '../../range.js'
import type { Index, ReadContext, Reading } from '../format.js'
import { findLines, isLineEdges, type LineEdges, lineEdges, readLines } from '../shared/line-edges.js'
import { locateLines } from '../shared/line-index.js'
import { notASlice } from '../shared/not-a-slice.js'
import { collectLines, decodeText, lineBatches } from '../shared/text-view.js'
import type { FastqAttributes } from './check.js'
import { parseRecords } from './records.js'

/** A slice of exactly the reads `[reads[0], reads[1])`; the other members are those of `LineEdges`. */
export type FastqSlice = LineEdges & { readonly reads: Range }

/**
 * A slice for each run of reads. The runs follow one another from read 0 to the last; those at the end may be
 * empty. The last that is not has the blank lines that may follow it.
 */
export async function readSlices(
  index: Index<FastqAttributes>,
  runs: readonly Range[],
): Promise<FastqSlice[]> {
  const { totalReads } = index.attributes
  // Slices tile the object also when it has blank lines and no read.
  const filled = runs.filter(([first], i) => i === 0 || first < totalReads)
  const starts = await locateLines(
    index,
    filled.map(([first]) => first * 4),
  )
  return runs.map((reads, i) => {
    const start = starts[i]
    if (!start) return { reads, range: [index.size, index.size], skip: 0 }
    return { reads, ...lineEdges(start, starts[i + 1], index.size) }
  })
}

/** @throws INVALID_SLICE when `slice` is not what `readSlices` makes */
export function readReads(slice: FastqSlice, { main, core }: ReadContext): Reading<string[]> {
  const { uri } = main
  if (!isRange(slice.reads) || !isLineEdges(slice, main.size)) {
    throw notASlice(slice, 'a FASTQ slice', uri)
  }
  const textOffset = slice.range[0] + (slice.skip > 0 ? 1 : 0)
  const origin = { uri, offset: textOffset }
  const bytes = () => readLines(main, slice, core)
  return {
    bytes,
    textOffset,
    records: () => parseRecords(lineBatches(decodeText(bytes(), origin)), uri),
    value: () => collectLines(bytes(), origin),
    extent: () => findLines(main, slice, core),
  }
}
