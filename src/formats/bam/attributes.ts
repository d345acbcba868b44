import { type BamReference, parseBamHeader } from './header.js'

export type BamAttributes = {
  /** Reference sequences in the order of the header, which records refer to. */
  readonly references: readonly BamReference[]
  /** The header as SAM text, with a line feed at each line's end. */
  readonly header: string
  /** `SO` of the `@HD` line: `coordinate`, `queryname`, `unsorted` or `unknown`, which it is also without one. */
  readonly sortOrder: string
  readonly totalRecords: number
  readonly totalReferences: number
  /** Bytes of the header: where the first record starts in the content. */
  readonly bodyOffset: number
  /** Name of the `.bai` or `.csi` that was found beside the object; absent when there was none. */
  readonly regionIndex?: string
  /** What did not fit and was left out: `header`, `references`. */
  readonly omitted: readonly string[]
}

/** The header of an index may take 1 MiB, and has more than these facts. */
const LARGEST = 768 << 10

export function bamAttributesOf(
  bytes: Uint8Array,
  totalRecords: number,
  regionIndex: string | undefined,
): BamAttributes {
  const { text, references } = parseBamHeader(bytes)
  let attributes: BamAttributes = {
    references,
    header: text,
    sortOrder: /^@HD\t(?:.*\t)?SO:([^\t\r\n]*)/.exec(text)?.[1] ?? 'unknown',
    totalRecords,
    totalReferences: references.length,
    bodyOffset: bytes.length,
    ...(regionIndex === undefined ? {} : { regionIndex }),
    omitted: [],
  }
  const smaller: readonly (readonly [name: string, without: Partial<BamAttributes>])[] = [
    ['header', { header: '' }],
    ['references', { references: [] }],
  ]
  for (const [name, without] of smaller) {
    if (new TextEncoder().encode(JSON.stringify(attributes)).length <= LARGEST) break
    attributes = { ...attributes, ...without, omitted: [...attributes.omitted, name] }
  }
  return attributes
}
