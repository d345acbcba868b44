import type { CompressionKind } from './detect.js'

/** What an index says about the compression of its object. */
export type Compression = {
  readonly kind: CompressionKind
  /** Bytes of content. */
  readonly size: number
  /** Members of the gzip file; in BGZF each is a block. */
  readonly members: number
  /** Deflate blocks. */
  readonly blocks: number
  /** Line feeds in the content. */
  readonly lineFeeds: number
  readonly endsWithNewline: boolean
  /** Compressed bytes from one seek point to the next, at least. */
  readonly span: number
}

export function isCompression(value: unknown): value is Compression {
  if (typeof value !== 'object' || value === null) return false
  const { kind, size, members, blocks, lineFeeds, endsWithNewline, span } = value as Partial<Compression>
  return (
    (kind === 'gzip' || kind === 'bgzf') &&
    [size, members, blocks, lineFeeds, span].every(
      (count) => Number.isSafeInteger(count) && Number(count) >= 0,
    ) &&
    typeof endsWithNewline === 'boolean'
  )
}
