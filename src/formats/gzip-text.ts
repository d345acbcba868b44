import { DataplugError } from '../errors.js'
import { defineFormat, defineStrategy, type Index, type LineFacts } from './format.js'
import type { RestStrategy } from './shared/rest.js'
import { planChunkLines, planChunkSize, planNumChunks } from './shared/text-plans.js'
import { readText, type TextSlice, textRanges } from './shared/text-slice.js'
import { collectLines } from './shared/text-view.js'

export type { RestStrategy } from './shared/rest.js'
export type { TextSlice } from './shared/text-slice.js'

/**
 * Text in a gzip or BGZF object, under the name it has in Python: `get()` gives an array of lines. `UTF8Text`
 * reads the same objects. All strategies need preprocessing.
 */
export const GZipText = defineFormat<'gzip-text', LineFacts, TextSlice, string[]>({
  name: 'gzip-text',
  version: 1,
  module: import.meta.url,
  fromLines: (facts) => ({ attributes: facts }),
  // Asked for objects that are not compressed only.
  async inspect({ main: { uri } }) {
    throw new DataplugError(
      'MALFORMED_DATA',
      `${uri} is not compressed with gzip or BGZF; open it as UTF8Text (format "text")`,
      { uri, offset: 0 },
    )
  },
  ranges: textRanges,
  read(slice, context) {
    const reading = readText(slice, context)
    const origin = { uri: context.main.uri, offset: reading.textOffset ?? 0 }
    return { ...reading, value: () => collectLines(reading.bytes(), origin) }
  },
})

/**
 * Slices of exactly `linesPerChunk` lines. The last has the rest (`expand`, the default), or what is less than
 * `linesPerChunk` is added to the last full one (`merge`).
 */
export const partitionChunkLines = defineStrategy(
  GZipText,
  'partitionChunkLines',
  (index, params: { readonly linesPerChunk: number; readonly strategy?: RestStrategy }) =>
    planChunkLines(index, params),
)

/** Exactly `numChunks` slices of about equal size, in bytes of text. No line is cut. */
export const partitionNumChunks = defineStrategy(
  GZipText,
  'partitionNumChunks',
  (index, { numChunks }: { readonly numChunks: number }) => planNumChunks(sizeOf(index), { numChunks }),
)

/** Slices of about `chunkSize` bytes of text. No line is cut. */
export const partitionChunkSize = defineStrategy(
  GZipText,
  'partitionChunkSize',
  (index, { chunkSize }: { readonly chunkSize: number }) => planChunkSize(sizeOf(index), { chunkSize }),
)

/** Bytes of text. Asks for attributes, since only a preprocessed object is known to be compressed. */
function sizeOf(index: Index<LineFacts>): number {
  const { totalLines } = index.attributes
  return totalLines === 0 ? 0 : index.size
}
