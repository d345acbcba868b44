import { DataplugError } from '../errors.js'
import { isRange, type Range, rangeLength, splitBySize, splitEvenly } from '../range.js'
import { type CutRule, findCut, lineCuts, readBetweenCuts, wordCuts } from './cuts.js'
import { defineFormat, defineStrategy, type LineFacts, type ReadContext, type Reading } from './format.js'
import { findLines, isLineEdges, type LineEdges, lineEdges, readLines } from './line-edges.js'
import { locateLines, mergeLines, scanLines } from './line-index.js'
import { integer, sizePerSlice, sliceCount } from './params.js'

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

/**
 * Text in UTF-8, or any encoding in which line feeds and white space are single ASCII bytes. Slices tile the
 * object byte for byte; only `text()`, `lines()` and `get()` ask for valid UTF-8.
 *
 * Preprocessing counts lines. Only `partitionChunkLines` and the attributes need it.
 */
export const UTF8Text = defineFormat<'text', LineFacts, TextSlice, string>({
  name: 'text',
  version: 1,
  module: import.meta.url,
  extensions: ['.txt', '.text', '.log', '.md'],
  sniff: (head) => !head.includes(0),
  scan: scanLines,
  merge: mergeLines,
  fromLines: (facts) => ({ attributes: facts }),
  // A cut slice looks at the byte before it, and past its end.
  ranges: (slice) => {
    const [start, end] = slice.range
    return 'cut' in slice ? [[Math.max(start - 1, 0), end + slice.padding]] : [slice.range]
  },
  read: (slice, context) => ('lines' in slice ? readExactLines(slice, context) : readCut(slice, context)),
})

export interface WholeWords {
  /** Exactly this many slices. Some are empty when the object has fewer words. */
  readonly numChunks: number
  /** Bytes read past each end to find the next word, from 1. Default 512. */
  readonly padding?: number
}

/** Slices of equal size, moved so that no word is cut. Needs no preprocessing. */
export const wholeWordsStrategy = defineStrategy(
  UTF8Text,
  'wholeWordsStrategy',
  (index, params: WholeWords) =>
    splitEvenly(index.size, sliceCount('numChunks', params.numChunks)).map(cutSlice('words', params.padding)),
)

/** Exactly `numChunks` slices of equal size, moved so that no line is cut. Needs no preprocessing. */
export const partitionNumChunks = defineStrategy(
  UTF8Text,
  'partitionNumChunks',
  (index, params: { readonly numChunks: number; readonly padding?: number }) =>
    splitEvenly(index.size, sliceCount('numChunks', params.numChunks)).map(cutSlice('lines', params.padding)),
)

/** Slices of about `chunkSize` bytes, moved so that no line is cut. Needs no preprocessing. */
export const partitionChunkSize = defineStrategy(
  UTF8Text,
  'partitionChunkSize',
  (index, params: { readonly chunkSize: number; readonly padding?: number }) =>
    splitBySize(index.size, sizePerSlice('chunkSize', params.chunkSize, index.size)).map(
      cutSlice('lines', params.padding),
    ),
)

/** Slices of exactly `linesPerChunk` lines; the last may have fewer. Needs preprocessing. */
export const partitionChunkLines = defineStrategy(
  UTF8Text,
  'partitionChunkLines',
  async (index, params: { readonly linesPerChunk: number }): Promise<LineSlice[]> => {
    const { totalLines } = index.attributes
    const perChunk = sizePerSlice('linesPerChunk', params.linesPerChunk, totalLines)
    const chunks = splitBySize(totalLines, perChunk)
    const starts = await locateLines(
      index,
      chunks.map(([first]) => first),
    )
    return starts.map((start, i) => ({
      lines: chunks[i] as Range,
      ...lineEdges(start, starts[i + 1], index.size),
    }))
  },
)

const DEFAULT_PADDING = 512

function cutSlice(cut: CutSlice['cut'], padding: number | undefined): (range: Range) => CutSlice {
  const checked = integer('padding', padding ?? DEFAULT_PADDING, 1, 1 << 30)
  return (range) => ({ cut, range, padding: checked })
}

function readCut(slice: CutSlice, { main, core }: ReadContext): Reading<string> {
  const { cut, range, padding } = slice
  const rule = Object.hasOwn(cutRules, cut) ? cutRules[cut] : undefined
  if (!rule || !isRange(range) || range[1] > main.size || !Number.isSafeInteger(padding) || padding < 1) {
    throw malformed(slice, main.uri)
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

function readExactLines(slice: LineSlice, { main, core }: ReadContext): Reading<string> {
  if (!isRange(slice.lines) || !isLineEdges(slice, main.size)) throw malformed(slice, main.uri)
  return {
    bytes: () => readLines(main, slice, core),
    textOffset: slice.range[0] + (slice.skip > 0 ? 1 : 0),
    extent: () => findLines(main, slice, core),
  }
}

function malformed(slice: unknown, uri: string): DataplugError {
  return new DataplugError('INVALID_SLICE', `${JSON.stringify(slice)} is not a text slice of ${uri}`, { uri })
}
