// The ABI on one page: everything that crosses between TypeScript and WebAssembly. Pointers and lengths
// in, one number out. Nothing is imported. `init` comes before everything else.
import { blockFinderInit } from './block-finder'
import { crc32Init } from './crc32'
import { inflateInit } from './inflate'
import { INPUT, INPUT_CAPACITY, OUTPUT, OUTPUT_CAPACITY } from './memory'
import { wordsInit } from './words'

export { bgzfRun, bgzfState } from './bgzf'
export { findBlock } from './block-finder'
export { countsPointer, packCounts } from './counts'
export { crc32 } from './crc32'
export { fastaReset, fastaScan, fastaState } from './fasta'
export { fastqPhase, fastqReset, fastqScan, fastqState } from './fastq'
export {
  inflateBit,
  inflateBlockBit,
  inflateBlocks,
  inflateFindable,
  inflateHistory,
  inflateInput,
  inflateMember,
  inflateOut,
  inflatePiece,
  inflateReset,
  inflateRun,
  inflateSkip,
  inflateTouched,
  inflateWatch,
  inflateWindow,
} from './inflate'
export {
  markersAdd,
  markersCrc,
  markersFactors,
  markersNextMember,
  markersReset,
  markersTakeCounts,
} from './inflate-markers'
export { countLines, lastLine, lineCountsPerBlock, linePositions, nthLine } from './lines'
export { csvNth, csvScan, csvSimplest, csvState } from './records'
export { countWords, firstWordCut, lastWordCut, wordBoundaries } from './words'

export function init(): void {
  crc32Init()
  wordsInit()
  inflateInit()
  blockFinderInit()
}

export function inputPointer(): usize {
  return INPUT
}
export function inputCapacity(): i32 {
  return INPUT_CAPACITY
}
export function outputPointer(): usize {
  return OUTPUT
}
export function outputCapacity(): i32 {
  return OUTPUT_CAPACITY
}
