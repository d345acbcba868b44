import { splitBySize, splitEvenly } from '../../range.js'
import type { Index, LineFacts } from '../format.js'
import { sizePerSlice, sliceCount } from './params.js'
import { type RestStrategy, splitWithRest } from './rest.js'
import { cutSlice, lineSlices, type TextSlice } from './text-slice.js'

// The strategies that all formats of lines have.

/** Cuts `size` bytes into exactly `numChunks` slices of equal size, moved so that no line is cut. */
export function planNumChunks(
  size: number,
  { numChunks, padding }: { readonly numChunks: number; readonly padding?: number },
): TextSlice[] {
  return splitEvenly(size, sliceCount('numChunks', numChunks)).map(cutSlice('lines', padding))
}

/** Cuts `size` bytes into slices of about `chunkSize` bytes, moved so that no line is cut. */
export function planChunkSize(
  size: number,
  { chunkSize, padding }: { readonly chunkSize: number; readonly padding?: number },
): TextSlice[] {
  return splitBySize(size, sizePerSlice('chunkSize', chunkSize, size)).map(cutSlice('lines', padding))
}

/** Slices of exactly `linesPerChunk` lines, the last as `strategy` says. Needs preprocessing. */
export function planChunkLines(
  index: Index<LineFacts>,
  { linesPerChunk, strategy }: { readonly linesPerChunk: number; readonly strategy?: RestStrategy },
): Promise<TextSlice[]> {
  const runs = splitWithRest('linesPerChunk', index.attributes.totalLines, linesPerChunk, strategy)
  return lineSlices(index, runs)
}
