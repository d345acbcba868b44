import { DataplugError } from '../../errors.js'
import { basename } from '../../storage/uri.js'
import type { Built, Chunk, JsonObject, MergeContext, Part, ReadContext, Source } from '../format.js'
import { findBeside } from '../shared/beside.js'
import { checkSample, type FaiSample, faiSamples, invalidFai, readFai } from './fai.js'
import { PageCollector, PageJoiner, type PagesPart } from './pages.js'
import type { FastaAttributes, FastaPart } from './scan.js'

/** Options of `FASTA`, given to `preprocess` as `formatOptions`. */
export type FastaOptions = {
  /**
   * Whether the `.fai` of samtools that lies beside the object is believed, after a look at some of the headers it
   * names, instead of scanning the object. Default true.
   */
  readonly fai?: boolean | undefined
}

/** A `.fai` that is used: which one, and where tasks check it. */
type UsedFai = {
  readonly name: string
  readonly etag: string
  readonly samples: readonly FaiSample[]
}

/** What all tasks know. Empty when the object is to be scanned. */
type Prepared = { readonly fai?: UsedFai }

/** Larger ones save too little: then the object is scanned. */
const LARGEST_FAI = 64 << 20

/** Looks for a `.fai`. One request, and its bytes. @throws INVALID_ARGUMENT, INVALID_INDEX when it does not fit */
export async function prepareFasta(context: ReadContext, options: FastaOptions): Promise<JsonObject> {
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'fai' || typeof value !== 'boolean') {
      throw new DataplugError(
        'INVALID_ARGUMENT',
        'format fasta takes the option "fai", which is true or false',
      )
    }
  }
  const { main } = context
  const name = `${basename(main.uri)}.fai`
  const file = options.fai === false || main.size === 0 ? undefined : await findBeside(context, [name])
  if (!file || file.size > LARGEST_FAI) return {}
  const samples = faiSamples(await file.bytes([0, file.size]), name, main.size)
  const prepared: Prepared = { fai: { name, etag: file.etag, samples } }
  return prepared
}

/**
 * The part of a task when a `.fai` is used; undefined when not. Each task checks the samples in its chunk, and the
 * first has all the sequences.
 */
export async function partFromFai(chunk: Chunk): Promise<Part | undefined> {
  const { fai } = (chunk.prepared ?? {}) as Prepared
  if (!fai) return undefined
  const [start, end] = chunk.range
  for (const sample of fai.samples) {
    const { range } = sample
    if (range[0] < start || range[0] >= end) continue
    checkSample(sample, await chunk.source.bytes(range), fai.name)
  }
  if (start > 0) return {}
  const file = await chunk.sibling(fai.name)
  if (file?.etag !== fai.etag) throw invalidFai(fai.name, 'changed while it was read')
  return faiPart(await file.bytes([0, file.size]), fai.name, chunk.source.size)
}

type FaiPart = PagesPart & Pick<FastaPart, 'residues' | 'longest' | 'longestName'>

/** The sequences as a part that is all there is. */
function faiPart(file: Uint8Array, fileName: string, size: number): FaiPart {
  const collector = new PageCollector()
  let residues = 0
  let longest = -1
  let longestName = new Uint8Array(0)
  readFai(file, fileName, size, (entry, name) => {
    collector.add(entry, name)
    residues += entry.residues
    if (entry.residues <= longest) return
    longest = entry.residues
    longestName = new Uint8Array(name)
  })
  return { ...collector.part(), residues, longest, longestName }
}

/** The index of a `.fai`; undefined when the parts are those of a scan. */
export function mergeFai(
  parts: readonly Part[],
  { uri, size, prepared }: MergeContext,
): Built<FastaAttributes> | undefined {
  return prepared?.fai === undefined ? undefined : builtFrom(parts[0] as FaiPart, uri, size)
}

/**
 * What preprocessing leaves behind, from a `.fai` that may lie anywhere. All that is read of the object are the
 * samples.
 *
 * @param name of the file, for messages
 * @throws INVALID_INDEX when it is none, or does not fit the object
 */
export async function buildFromFai(
  file: Uint8Array,
  name: string,
  main: Source,
): Promise<Built<FastaAttributes>> {
  for (const sample of faiSamples(file, name, main.size)) {
    checkSample(sample, await main.bytes(sample.range), name)
  }
  return builtFrom(faiPart(file, name, main.size), main.uri, main.size)
}

function builtFrom(part: FaiPart, uri: string, size: number): Built<FastaAttributes> {
  const joiner = new PageJoiner()
  joiner.addPages(part, uri)
  const { residues, longest, longestName } = part
  const name = new TextDecoder().decode(longestName)
  return {
    attributes: {
      numSequences: joiner.count,
      totalResidues: residues,
      longest: longest < 0 ? null : { name, length: longest },
    },
    sections: joiner.finish(size),
  }
}
