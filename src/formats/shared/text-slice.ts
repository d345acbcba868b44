import { isRange, type Range, rangeLength } from '../../range.js'
import type { Index, ReadContext, Reading } from '../format.js'
import { type CutRule, findCut, lineCuts, readBetweenCuts, wordCuts } from './cuts.js'
import { findLines, isLineEdges, type LineEdges, lineEdges, readLines } from './line-edges.js'
import { locateLines } from './line-index.js'
import { notASlice } from './not-a-slice.js'
import { integer } from './params.js'

// Slices of text, as all formats of lines have them.

const cutRules: Readonly<Record<string, CutRule>> = { words: wordCuts, lines: lineCuts }

/** A slice whose ends move forward to the next word or line when it is read. */
type CutSlice = {
  readonly cut: 'words' | 'lines'
  readonly range: Range
  readonly padding: number
}

/** A slice of exactly the lines `[lines[0], lines[1])`; the other members are those of `LineEdges`. */
type LineSlice = LineEdges & { readonly lines: Range }

export type TextSlice = CutSlice | LineSlice

const DEFAULT_PADDING = 512

/** Makes a slice of each planned range. @throws INVALID_ARGUMENT when `padding` is not an integer from 1 */
export function cutSlice(cut: CutSlice['cut'], padding = DEFAULT_PADDING): (range: Range) => CutSlice {
  const checked = integer('padding', padding, 1, 1 << 30)
  return (range) => ({ cut, range, padding: checked })
}

/** A slice of each run of lines. The runs follow one another from line 0 to the last. */
export async function lineSlices(index: Index<unknown>, runs: readonly Range[]): Promise<LineSlice[]> {
  const starts = await locateLines(
    index,
    runs.map(([first]) => first),
  )
  return starts.map((start, i) => ({
    lines: runs[i] as Range,
    ...lineEdges(start, starts[i + 1], index.size),
  }))
}

/** The ranges that reading a slice begins with: a cut slice looks at the byte before it, and past its end. */
export function textRanges(slice: TextSlice): readonly Range[] {
  const [start, end] = slice.range
  return 'cut' in slice ? [[Math.max(start - 1, 0), end + slice.padding]] : [slice.range]
}

/** Number of the slice's first line in the object, from 0; undefined when only reading would tell. */
export function firstLine(slice: TextSlice): number | undefined {
  if ('lines' in slice) return slice.lines[0]
  return slice.range[0] === 0 ? 0 : undefined
}

/** @throws INVALID_SLICE when `slice` is not what the functions above make */
export function readText(slice: TextSlice, context: ReadContext): Reading<never> {
  return 'lines' in slice ? readExactLines(slice, context) : readCut(slice, context)
}

function readCut(slice: CutSlice, { main, core }: ReadContext): Reading<never> {
  const { cut, range, padding } = slice
  const rule = Object.hasOwn(cutRules, cut) ? cutRules[cut] : undefined
  if (!rule || !isRange(range) || range[1] > main.size || !Number.isSafeInteger(padding) || padding < 1) {
    throw notASlice(slice, 'a text slice', main.uri)
  }
  return {
    bytes: () => readBetweenCuts(main, range, padding, rule, core),
    textOffset: range[0],
    async extent() {
      if (rangeLength(range) === 0) return range
      const [start, end] = await Promise.all(range.map((at) => findCut(main, at, padding, rule, core)))
      return [start, end] as unknown as Range
    },
  }
}

function readExactLines(slice: LineSlice, { main, core }: ReadContext): Reading<never> {
  if (!isRange(slice.lines) || !isLineEdges(slice, main.size))
    throw notASlice(slice, 'a text slice', main.uri)
  return {
    bytes: () => readLines(main, slice, core),
    textOffset: slice.range[0] + (slice.skip > 0 ? 1 : 0),
    extent: () => findLines(main, slice, core),
  }
}
