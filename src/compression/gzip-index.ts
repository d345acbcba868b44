import { release } from '../bytes.js'
import type { GzipPart } from '../core/gzip-part.js'
import { createGzipReducer, type SeekPoint } from '../core/gzip-reduce.js'
import { bgzfBlockList } from './bgzf-blocks.js'
import type { Compression } from './compression.js'
import { deflate } from './deflate.js'
import type { CompressionKind } from './detect.js'
import type { GzipFrom } from './gzip-scan.js'
import { naming } from './naming.js'
import { type BuiltPoint, encodeSeekTable } from './seek-table.js'

export interface GzipIndex {
  readonly compression: Compression
  /** `gzip-points`, `gzip-windows` and, for BGZF, `bgzf-blocks`. */
  readonly sections: { readonly [name: string]: Uint8Array }
}

/** Joins the parts of a gzip object, first to last, to its index. */
export interface GzipIndexer {
  /** Where the next part must start: undefined before the first, and once the object has ended. */
  readonly next: GzipFrom | undefined
  /** Bytes of content in the parts so far. */
  readonly size: number
  /**
   * Adds the next part. Its windows are deflated while the caller goes on; waits when too many are.
   *
   * @throws MALFORMED_DATA when a member's CRC-32 or size is not what its trailer says
   */
  add(part: GzipPart): Promise<void>
  finish(): Promise<GzipIndex>
}

/** Windows deflated at once, those of a few parts mostly: each takes Node 300 KB meanwhile. */
const MOST_DEFLATING = 32

/** @param headersOnly the parts come from headers alone: they know neither lines nor deflate blocks */
export function createGzipIndexer(
  uri: string,
  kind: CompressionKind,
  span: number,
  headersOnly = false,
): GzipIndexer {
  const reducer = createGzipReducer(uri)
  const points: BuiltPoint[] = []
  /** The last points, in order, whose windows are being deflated. */
  const deflating: Promise<BuiltPoint>[] = []
  const blocks = kind === 'bgzf' ? bgzfBlockList() : undefined
  let members = 0
  let deflateBlocks = 0
  let memberEnd = 0
  let last = -1

  const addTo = (part: GzipPart) => {
    try {
      return reducer.add(part)
    } catch (error) {
      throw naming(uri, error)
    }
  }
  return {
    get next() {
      return reducer.bit === undefined ? undefined : { bit: reducer.bit, window: reducer.window }
    },
    get size() {
      return reducer.output
    },
    async add(part) {
      const before = reducer.window
      const added = addTo(part)
      members += part.members.length / 2 + added.members.length
      deflateBlocks += part.blocks
      for (let i = 0; i < part.members.length; i += 2) {
        const stored = part.members[i] as number
        blocks?.add(stored, part.members[i + 1] as number)
        memberEnd += stored
      }
      for (const { end, size } of added.members) {
        blocks?.add(end - memberEnd, size)
        memberEnd = end
      }
      if (part.size > 0) last = lastByte(part.last, before)
      for (const point of added.points) {
        if (deflating.length === MOST_DEFLATING) points.push(await (deflating.shift() as Promise<BuiltPoint>))
        const deflated = deflateWindow(point)
        // Whoever waits for it is told of a failure.
        deflated.catch(() => undefined)
        deflating.push(deflated)
      }
    },
    async finish() {
      points.push(...(await Promise.all(deflating)))
      const { points: table, windows } = encodeSeekTable(points)
      const { output: size, lines: lineFeeds } = reducer
      const blockSection = blocks?.encode()
      return {
        compression: {
          kind,
          size,
          members,
          ...(headersOnly ? {} : { blocks: deflateBlocks, lineFeeds, endsWithNewline: last === 10 }),
          span,
        },
        sections: {
          'gzip-points': table,
          'gzip-windows': windows,
          ...(blockSection ? { 'bgzf-blocks': blockSection } : {}),
        },
      }
    },
  }
}

async function deflateWindow({ bit, output, lines, window }: SeekPoint): Promise<BuiltPoint> {
  const deflated = await deflate(window)
  if (deflated !== window) release(window)
  return { bit, content: output, lineFeeds: lines, window: deflated }
}

/** The byte for a part's last symbol, given the window before the part. */
function lastByte(symbol: number, window: Uint8Array): number {
  return symbol < 32768 ? symbol : (window[symbol - 65536 + window.length] ?? -1)
}
