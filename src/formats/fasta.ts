import { cutBetween, cutEvenly, cutInside } from './fasta/cuts.js'
import { mergeFasta } from './fasta/merge.js'
import { type FastaOptions, mergeFai, partFromFai, prepareFasta } from './fasta/prepare.js'
import { type Regions, regionSlices } from './fasta/region.js'
import { type FastaAttributes, scanFasta } from './fasta/scan.js'
import { type FastaSlice, fastaRanges, readFasta, slicesBetween } from './fasta/slice.js'
import { defineFormat, defineStrategy } from './format.js'
import { sliceCount } from './shared/params.js'

export { exportFai, type IndexedFasta } from './fasta/fai.js'
export type { FastaOptions } from './fasta/prepare.js'
export type { FastaRecord } from './fasta/records.js'
export type { Regions } from './fasta/region.js'
export type { FastaAttributes } from './fasta/scan.js'
export type { FastaSlice } from './fasta/slice.js'

/**
 * FASTA, plain or compressed: each sequence a header line that starts with `>`, and lines of residues up to the
 * next header (Pearson and Lipman 1988, doi:10.1073/pnas.85.8.2444). Preprocessing finds the sequences and how their
 * lines are cut; MALFORMED_DATA when text comes before the first header. `records()` gives `FastaRecord`s, `get()` the text.
 */
export const FASTA = defineFormat<'fasta', FastaAttributes, FastaSlice, string, FastaOptions>({
  name: 'fasta',
  version: 1,
  module: import.meta.url,
  extensions: ['.fasta', '.fa', '.fna', '.ffn', '.faa', '.frn', '.fas'].flatMap((name) => [
    name,
    `${name}.gz`,
    `${name}.bgz`,
  ]),
  sniff: (head) => /^[\r\n]*>[^\n]*\n[\r\n]*[A-Za-z*.>-]/.test(new TextDecoder('latin1').decode(head)),
  prepare: prepareFasta,
  scan: async (chunk, core) => (await partFromFai(chunk)) ?? scanFasta(chunk, core),
  scansForward: (prepared) => prepared?.fai === undefined,
  merge: (parts, context) => mergeFai(parts, context) ?? mergeFasta(parts, context),
  ranges: fastaRanges,
  read: readFasta,
})

/**
 * Exactly `numChunks` slices of about equal size; a sequence may be cut, at the end of a line. A slice that begins
 * inside a sequence starts with the header of that sequence and ` offset=` with the number of residues before it.
 */
export const partitionChunksStrategy = defineStrategy(
  FASTA,
  'partitionChunksStrategy',
  async (index, { numChunks }: { readonly numChunks: number }) =>
    slicesBetween(await cutEvenly(index, sliceCount('numChunks', numChunks), cutInside)),
)

/** Exactly `numChunks` slices of whole sequences, of sizes as equal as that allows; some may be empty. */
export const partitionSequences = defineStrategy(
  FASTA,
  'partitionSequences',
  async (index, { numChunks }: { readonly numChunks: number }) =>
    slicesBetween(await cutEvenly(index, sliceCount('numChunks', numChunks), cutBetween)),
)

/** A slice for each region, in their order, with what `samtools faidx` prints for it. */
export const partitionRegions = defineStrategy(FASTA, 'partitionRegions', (index, regions: Regions) =>
  regionSlices(index, regions),
)
