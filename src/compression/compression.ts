import type { CompressionKind } from './detect.js'

/** What an index says about the compression of its object. */
export type Compression = {
  readonly kind: CompressionKind
  /** Bytes of content. */
  readonly size: number
  /** Members of the gzip file; in BGZF each is a block. Absent when the index was imported. */
  readonly members?: number
  /** Deflate blocks. Absent when the index was imported, or found from the headers of BGZF. */
  readonly blocks?: number
  /** Line feeds in the content. Absent when the index was imported or found from headers, and does not count them. */
  readonly lineFeeds?: number
  /** Absent when it was found from the headers of BGZF. */
  readonly endsWithNewline?: boolean
  /** Bytes of content between seek points, about. */
  readonly span: number
}

export function isCompression(value: unknown): value is Compression {
  if (typeof value !== 'object' || value === null) return false
  const { kind, size, members, blocks, lineFeeds, endsWithNewline, span } = value as Partial<Compression>
  return (
    (kind === 'gzip' || kind === 'bgzf') &&
    [size, members ?? 0, blocks ?? 0, lineFeeds ?? 0, span].every(
      (count) => Number.isSafeInteger(count) && Number(count) >= 0,
    ) &&
    (endsWithNewline === undefined ? lineFeeds === undefined : typeof endsWithNewline === 'boolean')
  )
}
