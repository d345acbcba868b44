import type { JsonObject } from '../format.js'
import { parseHeader, type VcfContig, type VcfMeta } from './header.js'

export type VcfAttributes = {
  /** Names of all columns, `CHROM` first, samples last. */
  readonly columns: readonly string[]
  /** `##` lines by key: a text where one line has the key and is not structured, else an array. */
  readonly vcfAttributes: { readonly [key: string]: string | readonly VcfMeta[] }
  readonly samples: readonly string[]
  readonly contigs: readonly VcfContig[]
  /** Lines after the header. */
  readonly totalRecords: number
  readonly totalSamples: number
  /** Bytes of the header: where the first record starts in the object's content. */
  readonly bodyOffset: number
  readonly headerLines: number
  /** Name of the `.tbi` or `.csi` that was found beside the object; absent when there was none. */
  readonly regionIndex?: string
  /** What did not fit and was left out: `contigs`, `samples` (and their columns), `vcfAttributes`. */
  readonly omitted: readonly string[]
}

/** The header of an index may take 1 MiB, and has more than these facts. */
const LARGEST = 768 << 10

/** @param totalLines of the object */
export function attributesOf(
  header: Uint8Array,
  headerLines: number,
  totalLines: number,
  regionIndex: string | undefined,
): VcfAttributes {
  const { columns, vcfAttributes, samples, contigs } = parseHeader(header)
  let attributes: VcfAttributes = {
    columns,
    vcfAttributes,
    samples,
    contigs,
    totalRecords: totalLines - headerLines,
    totalSamples: samples.length,
    bodyOffset: header.length,
    headerLines,
    ...(regionIndex === undefined ? {} : { regionIndex }),
    omitted: [],
  }
  const { contig: _, ...others } = vcfAttributes
  const smaller: readonly (readonly [name: string, without: Partial<VcfAttributes>])[] = [
    ['contigs', { contigs: [], vcfAttributes: others }],
    ['samples', { samples: [], columns: columns.slice(0, 9) }],
    ['vcfAttributes', { vcfAttributes: {} }],
  ]
  for (const [name, without] of smaller) {
    if (sizeOf(attributes) <= LARGEST) break
    attributes = { ...attributes, ...without, omitted: [...attributes.omitted, name] }
  }
  return attributes
}

function sizeOf(attributes: VcfAttributes): number {
  return new TextEncoder().encode(JSON.stringify(attributes satisfies JsonObject)).length
}
