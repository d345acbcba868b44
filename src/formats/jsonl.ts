import { defineFormat, defineStrategy, type Json, type LineFacts } from './format.js'
import { parseValues } from './jsonl/records.js'
import { mergeLines, scanLines } from './shared/line-index.js'
import type { RestStrategy } from './shared/rest.js'
import { planChunkLines, planChunkSize, planNumChunks } from './shared/text-plans.js'
import { readText, type TextSlice, textRanges } from './shared/text-slice.js'

export type { RestStrategy } from './shared/rest.js'
export type { TextSlice } from './shared/text-slice.js'

/**
 * JSON Lines (https://jsonlines.org), also known as NDJSON: one JSON value (RFC 8259) on each line, lines ended by
 * a line feed. Slices are whole lines and tile the object byte for byte; `records()` parses each line and skips
 * blank ones, `get()` gives all values in an array. Both throw MALFORMED_DATA with the offset of a line that is
 * not one value, and with its number where that is known.
 *
 * Preprocessing counts lines, and parses none. Only `partitionChunkLines` and the attributes need it.
 */
export const JSONLines = defineFormat<'jsonl', LineFacts, TextSlice, Json[]>({
  name: 'jsonl',
  version: 1,
  module: import.meta.url,
  extensions: ['.jsonl', '.ndjson', '.jsonlines', '.ldjson'],
  sniff,
  scan: scanLines,
  merge: mergeLines,
  fromLines: (facts) => ({ attributes: facts }),
  ranges: textRanges,
  read(slice, context) {
    const reading = readText(slice, context)
    const records = () => parseValues(reading, slice, context)
    return {
      ...reading,
      async *records() {
        for await (const values of records()) yield* values
      },
      async value() {
        const all: Json[] = []
        for await (const values of records()) for (const value of values) all.push(value)
        return all
      },
    }
  },
})

/** Exactly `numChunks` slices of equal size, moved so that no line is cut. Needs no preprocessing. */
export const partitionNumChunks = defineStrategy(
  JSONLines,
  'partitionNumChunks',
  (index, params: { readonly numChunks: number; readonly padding?: number }) =>
    planNumChunks(index.size, params),
)

/** Slices of about `chunkSize` bytes, moved so that no line is cut. Needs no preprocessing. */
export const partitionChunkSize = defineStrategy(
  JSONLines,
  'partitionChunkSize',
  (index, params: { readonly chunkSize: number; readonly padding?: number }) =>
    planChunkSize(index.size, params),
)

/**
 * Slices of exactly `linesPerChunk` lines, blank ones included. The last has the rest (`expand`, the default), or what
 * is less than `linesPerChunk` is added to the last full one (`merge`). Needs preprocessing.
 */
export const partitionChunkLines = defineStrategy(
  JSONLines,
  'partitionChunkLines',
  (index, params: { readonly linesPerChunk: number; readonly strategy?: RestStrategy }) =>
    planChunkLines(index, params),
)

/** The first line is an object or array on its own, or goes on past the head like one. */
function sniff(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head)
  if (!/^\s*[[{]/.test(text)) return false
  const [first = '', ...more] = text.trimStart().split('\n')
  if (more.length === 0 && head.length >= LONGEST_HEAD) return /^\{\s*"/.test(first)
  try {
    JSON.parse(first)
    return true
  } catch {
    return false
  }
}

const LONGEST_HEAD = 4096
