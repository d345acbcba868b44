import { DataplugError } from '../errors.js'
import { splitEvenly } from '../range.js'
import { type BamAttributes, bamAttributesOf } from './bam/attributes.js'
import { encodeEntries } from './bam/record-index.js'
import { planBamRegions } from './bam/region.js'
import { followRecords, scanBam } from './bam/scan.js'
import { type BamSlice, bamRanges, readBam, recordSlices } from './bam/slice.js'
import { type Built, defineFormat, defineStrategy, type MergeContext, type Part } from './format.js'
import { sliceCount } from './shared/params.js'
import { type RestStrategy, splitWithRest } from './shared/rest.js'

export type { BamAttributes } from './bam/attributes.js'
export type { BamReference } from './bam/header.js'
export type { BamRecord, BamSlice } from './bam/slice.js'
export type { RestStrategy } from './shared/rest.js'

/**
 * BAM (SAM specification, 4). Each slice is a BAM of its own: the object's header, whole records, and the block that
 * ends a BGZF file. `get()` gives its bytes, `records()` records of @gmod/bam. Preprocessing follows the records from
 * first to last; MALFORMED_DATA names the first that is none, and the offset in the content.
 */
export const BAM = defineFormat<'bam', BamAttributes, BamSlice, Uint8Array>({
  name: 'bam',
  version: 1,
  module: import.meta.url,
  extensions: ['.bam'],
  sniff: (head) => head[0] === 0x42 && head[1] === 0x41 && head[2] === 0x4d && head[3] === 1,
  scan: scanBam,
  merge,
  ranges: bamRanges,
  read: readBam,
})

/** Exactly `numChunks` slices whose numbers of records differ by one at most. */
export const partitionNumChunks = defineStrategy(
  BAM,
  'partitionNumChunks',
  (index, { numChunks }: { readonly numChunks: number }) =>
    recordSlices(index, splitEvenly(index.attributes.totalRecords, sliceCount('numChunks', numChunks))),
)

/**
 * Slices of exactly `recordsPerChunk` records. The last has the rest (`expand`, the default), or what is less than
 * `recordsPerChunk` is added to the last full one (`merge`).
 */
export const partitionChunkRecords = defineStrategy(
  BAM,
  'partitionChunkRecords',
  (index, params: { readonly recordsPerChunk: number; readonly strategy?: RestStrategy }) => {
    const { totalRecords } = index.attributes
    const runs = splitWithRest('recordsPerChunk', totalRecords, params.recordsPerChunk, params.strategy)
    return recordSlices(index, runs.length === 0 ? [[0, 0]] : runs)
  },
)

/**
 * A slice for each region, with the records that overlap it, as `samtools view` finds them. Needs a `.bai` or `.csi`
 * beside the object when it is preprocessed.
 *
 * @param regions `chr1`, `chr1:1000-2000` or `chr1:1000-`: positions from 1, both ends included
 * @throws INVALID_ARGUMENT for a region that is none, or of an unknown reference; UNSUPPORTED without such an index
 */
export const partitionRegions = defineStrategy(
  BAM,
  'partitionRegions',
  (index, { regions }: { readonly regions: readonly string[] }) => planBamRegions(index, regions),
)

function merge(parts: readonly Part[], context: MergeContext): Built<BamAttributes> {
  const [first] = parts as readonly (Part & {
    header?: Uint8Array
    binning?: Uint8Array
    binningName?: string
  })[]
  const { header, binning, binningName } = first ?? {}
  if (!header) {
    const { uri } = context
    throw new DataplugError('MALFORMED_DATA', `${uri} is empty: a BAM has at least a header`, {
      uri,
      offset: 0,
    })
  }
  const { records, entries } = followRecords(parts, header.length, context)
  return {
    attributes: bamAttributesOf(header, records, binningName),
    sections: {
      'bam-header': header,
      'bam-records': encodeEntries(entries),
      ...(binning ? { 'binning-index': binning } : {}),
    },
  }
}
