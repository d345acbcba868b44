import type { Core, FastqFacts } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { type Range, splitEvenly } from '../range.js'
import { createFastqCheck, type FastqAttributes } from './fastq/check.js'
import { type FastqSlice, readReads, readSlices } from './fastq/slice.js'
import { type Built, type Chunk, defineFormat, defineStrategy, type Part } from './format.js'
import { estimateLines } from './shared/line-estimate.js'
import { lineCounter, mergeLines } from './shared/line-index.js'
import { sizePerSlice, sliceCount } from './shared/params.js'
import { type RestStrategy, splitWithRest } from './shared/rest.js'

export type { FastqAttributes } from './fastq/check.js'
export type { FastqRecord } from './fastq/records.js'
export type { FastqSlice } from './fastq/slice.js'
export type { RestStrategy } from './shared/rest.js'

/**
 * FASTQ with four lines a read, plain or compressed (Cock et al. 2010, doi:10.1093/nar/gkp1137, without wrapped
 * lines). Preprocessing checks every record: MALFORMED_DATA names the first that is none. Slices are whole
 * reads: `records()` gives them as `FastqRecord`s, `get()` an array of lines.
 */
export const FASTQ = defineFormat<'fastq', FastqAttributes, FastqSlice, string[]>({
  name: 'fastq',
  version: 1,
  module: import.meta.url,
  extensions: ['.fastq', '.fq'].flatMap((name) => [name, `${name}.gz`, `${name}.bgz`]),
  sniff(head) {
    const [first, , third] = new TextDecoder('latin1').decode(head).split('\n')
    return first?.[0] === '@' && third?.[0] === '+'
  },
  scan,
  scansForward: () => true,
  merge,
  read: readReads,
})

/** The name that Python has for compressed FASTQ. The same format: compression is recognised by itself. */
export const FASTQGZip = FASTQ

/** Exactly `numBatches` slices whose numbers of reads differ by one at most. */
export const partitionReadsBatches = defineStrategy(
  FASTQ,
  'partitionReadsBatches',
  (index, { numBatches }: { readonly numBatches: number }) => {
    const { totalReads } = index.attributes
    return readSlices(index, splitEvenly(totalReads, sliceCount('numBatches', numBatches)))
  },
)

/**
 * Slices of exactly `seqPerChunk` reads. The last has the rest (`expand`, the default), or what is less than
 * `seqPerChunk` is added to the last full one (`merge`).
 */
export const partitionSequencesPerChunk = defineStrategy(
  FASTQ,
  'partitionSequencesPerChunk',
  (index, params: { readonly seqPerChunk: number; readonly strategy?: RestStrategy }) => {
    const { totalReads } = index.attributes
    const runs = splitWithRest('seqPerChunk', totalReads, params.seqPerChunk, params.strategy)
    return readSlices(index, runs.length === 0 && index.size > 0 ? [[0, 0]] : runs)
  },
)

/** Slices of whole reads and about equal size, `chunkSize` bytes of FASTQ at most as far as reads allow. None is empty. */
export const partitionChunkSize = defineStrategy(
  FASTQ,
  'partitionChunkSize',
  async (index, { chunkSize }: { readonly chunkSize: number }) => {
    const { totalReads } = index.attributes
    const { size } = index
    const count = Math.ceil(size / sizePerSlice('chunkSize', chunkSize, size))
    const planned = count > 0 ? splitEvenly(size, count).map(([start]) => start) : []
    const lines = await estimateLines(index, planned, totalReads * 4)
    const firsts = lines.map((line) => Math.ceil(line / 4)).filter((read) => read < totalReads)
    const starts = [...new Set([0, ...firsts])].sort((a, b) => a - b)
    const runs = starts.map((start, i): Range => [start, starts[i + 1] ?? totalReads])
    return readSlices(index, size > 0 ? runs : [])
  },
)

/** What `partitionPairs` needs of an object: `CloudObject.open(FASTQ, …)` gives it. */
export interface PairedReads<Slice> {
  readonly uri: string
  readonly attributes: FastqAttributes
  partition(
    strategy: typeof partitionReadsBatches,
    params: { readonly numBatches: number },
    options?: PairsOptions,
  ): Promise<Slice[]>
}

export interface PairsOptions {
  readonly signal?: AbortSignal | undefined
  readonly selfContained?: boolean | undefined
}

/**
 * Cuts the two objects of a paired-end run at the same reads: pair `i` has the same reads of both, in the same
 * order. The sequencer wrote them so; their names are not compared.
 *
 * @throws INVALID_ARGUMENT when they have different numbers of reads; NOT_PREPROCESSED and as `partition`
 */
export async function partitionPairs<Slice>(
  r1: PairedReads<Slice>,
  r2: PairedReads<Slice>,
  params: { readonly numBatches: number },
  options: PairsOptions = {},
): Promise<[r1: Slice, r2: Slice][]> {
  const [reads1, reads2] = [r1.attributes.totalReads, r2.attributes.totalReads]
  if (reads1 !== reads2) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `${r1.uri} has ${reads1} reads and ${r2.uri} has ${reads2}: they are not the two sides of one run`,
      { uri: r2.uri },
    )
  }
  const [slices1, slices2] = await Promise.all([
    r1.partition(partitionReadsBatches, params, options),
    r2.partition(partitionReadsBatches, params, options),
  ])
  return slices1.map((slice, i) => [slice, slices2[i] as Slice])
}

async function scan(chunk: Chunk, core: Core): Promise<Part> {
  const records = core.fastqScanner()
  const lines = chunk.linesKnown ? undefined : lineCounter(chunk.range, core)
  for await (const piece of chunk.stream()) {
    records.update(piece)
    lines?.update(piece)
  }
  const [start, end] = chunk.range
  return { start, end, ...lines?.finish(), facts: records.finish() }
}

function merge(
  parts: readonly Part[],
  object: { readonly uri: string; readonly size: number },
): Built<FastqAttributes> {
  const check = createFastqCheck(object)
  for (const part of parts) {
    const { start, end, facts } = part as { start: number; end: number; facts: FastqFacts }
    check.add(facts, start, end)
  }
  const attributes = check.finish()
  const counted = parts.every(({ counts }) => counts !== undefined)
  const sections = counted ? mergeLines(parts).sections : undefined
  return { attributes, ...(sections && { sections }) }
}
