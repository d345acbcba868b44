import { splitEvenly } from '../range.js'
import { defineFormat, defineStrategy, type LineFacts } from './format.js'
import { mergeLines, scanLines } from './shared/line-index.js'
import { sliceCount } from './shared/params.js'
import type { RestStrategy } from './shared/rest.js'
import { planChunkLines, planChunkSize, planNumChunks } from './shared/text-plans.js'
import { cutSlice, readText, type TextSlice, textRanges } from './shared/text-slice.js'

export type { RestStrategy } from './shared/rest.js'
export type { TextSlice } from './shared/text-slice.js'

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
  ranges: textRanges,
  read: readText,
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
  (index, { numChunks, padding }: WholeWords) =>
    splitEvenly(index.size, sliceCount('numChunks', numChunks)).map(cutSlice('words', padding)),
)

/** Exactly `numChunks` slices of equal size, moved so that no line is cut. Needs no preprocessing. */
export const partitionNumChunks = defineStrategy(
  UTF8Text,
  'partitionNumChunks',
  (index, params: { readonly numChunks: number; readonly padding?: number }) =>
    planNumChunks(index.size, params),
)

/** Slices of about `chunkSize` bytes, moved so that no line is cut. Needs no preprocessing. */
export const partitionChunkSize = defineStrategy(
  UTF8Text,
  'partitionChunkSize',
  (index, params: { readonly chunkSize: number; readonly padding?: number }) =>
    planChunkSize(index.size, params),
)

/**
 * Slices of exactly `linesPerChunk` lines. The last has the rest (`expand`, the default), or what is less than
 * `linesPerChunk` is added to the last full one (`merge`). Needs preprocessing.
 */
export const partitionChunkLines = defineStrategy(
  UTF8Text,
  'partitionChunkLines',
  (index, params: { readonly linesPerChunk: number; readonly strategy?: RestStrategy }) =>
    planChunkLines(index, params),
)
