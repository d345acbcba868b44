import type { CloudObject } from '../cloud/cloud-object.js'
import type { IndexFile } from '../cloud/index-file.js'
import type { Compression } from '../compression/compression.js'
import { decodeSeekTable } from '../compression/seek-table.js'
import type { CallOptions } from '../storage/store.js'
import { formatBytes } from './progress.js'

/** What `info` says of a compressed object. */
export interface CompressionFacts extends Partial<Compression> {
  readonly kind: Compression['kind']
  /** Bytes of content for each byte of the object. */
  readonly ratio?: number
  readonly seekPoints?: number
  /** Most bytes of content that lie between two seek points. */
  readonly longestSpan?: number
  /** Whether slices can be read without all that is before them. */
  readonly splits?: boolean
  /** Why not. */
  readonly because?: string
}

/** When so much of the content lies between two seek points, the others are of no use. */
const ALL_BUT = 0.9

/** @param index undefined when there is none that can be used: then only the kind is known */
export async function compressionFacts(
  { uri, compression: kind, size: storedSize }: CloudObject,
  index: IndexFile | undefined,
  options: CallOptions,
): Promise<CompressionFacts | undefined> {
  const compression = index?.header.compression
  if (kind === undefined) return undefined
  if (!index || !compression) return { kind }
  const table = decodeSeekTable(await index.section('gzip-points', undefined, options), uri)
  let longestSpan = 0
  for (let i = 0; i < table.length; i++) {
    const end = i + 1 < table.length ? table.point(i + 1).content : compression.size
    longestSpan = Math.max(longestSpan, end - table.point(i).content)
  }
  const splits = longestSpan < compression.size * ALL_BUT
  return {
    ...compression,
    ratio: Number((compression.size / storedSize).toFixed(3)),
    seekPoints: table.length,
    longestSpan,
    splits,
    ...(splits ? {} : { because: reason(compression, longestSpan) }),
  }
}

function reason({ size, span, blocks }: Compression, longestSpan: number): string {
  if (size <= span) return `its content is not longer than the span of ${formatBytes(span)}`
  const stretch =
    blocks !== undefined && blocks <= 2
      ? 'all is one deflate block'
      : `a block is ${formatBytes(longestSpan)} long`
  return `${stretch}, and decoding can start at blocks only; another program can compress it better to cut`
}

/** The facts as rows of a table. */
export function compressionRows(facts: CompressionFacts): [string, string][] {
  const { kind, size, ratio, members, blocks, seekPoints, longestSpan, splits, because } = facts
  if (size === undefined) return [['compression', kind]]
  const counts = [
    members === undefined ? '' : `${members} ${members === 1 ? 'member' : 'members'}`,
    blocks === undefined ? '' : `${blocks} deflate ${blocks === 1 ? 'block' : 'blocks'}`,
  ].filter((text) => text !== '')
  return [
    ['compression', [kind, ...counts].join(', ')],
    ['content', `${size} bytes (${formatBytes(size)}), ${ratio} times the object`],
    ['seek points', `${seekPoints}, at most ${formatBytes(longestSpan ?? 0)} of content apart`],
    ['can be cut', splits ? 'yes' : `no: ${because}`],
  ]
}
