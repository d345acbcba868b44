import { BGZF_HEADER, bgzfHeader } from '../../core/bgzf-search.js'
import type { BgzfBlock } from '../bgzf-blocks.js'
import { type ForeignIndex, type ForeignPoint, fieldsOf, invalidForeign } from './foreign-index.js'

// The .gzi of htslib's bgzip, for BGZF only. Little-endian: u64 number of pairs, then for every block but the
// first u64 its offset and u64 the offset of its content. The empty block that ends the file is left out.

const PAIR = 16

export function encodeGzi(blocks: readonly BgzfBlock[]): Uint8Array {
  const last = blocks.findLastIndex(({ content }) => content > 0)
  const count = Math.max(0, last)
  const bytes = new Uint8Array(8 + count * PAIR)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(count), true)
  let [offset, content] = [0, 0]
  for (let i = 0; i < count; i++) {
    offset += blocks[i]?.stored ?? 0
    content += blocks[i]?.content ?? 0
    view.setBigUint64(8 + i * PAIR, BigInt(offset), true)
    view.setBigUint64(16 + i * PAIR, BigInt(content), true)
  }
  return bytes
}

/** The blocks that a .gzi tells whole: all but the last with content, and what follows it. */
export function blocksOfGzi(file: Uint8Array): {
  readonly blocks: readonly BgzfBlock[]
  readonly end: number
} {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const blocks: BgzfBlock[] = []
  let [end, content] = [0, 0]
  for (let at = 8; at < file.length; at += PAIR) {
    const offset = Number(view.getBigUint64(at, true))
    const before = Number(view.getBigUint64(at + 8, true))
    blocks.push({ stored: offset - end, content: before - content })
    end = offset
    content = before
  }
  return { blocks, end }
}

/**
 * Points at blocks that lie at least `span` bytes of content apart. All blocks are taken to have a header as
 * long as the first one's, as they have in what known programs write.
 *
 * @param head the object's first bytes
 * @param storedSize bytes of the object
 * @throws INVALID_INDEX when `file` is no .gzi, or one of a larger object
 */
export function decodeGzi(
  file: Uint8Array,
  name: string,
  head: Uint8Array,
  storedSize: number,
  span: number,
): ForeignIndex {
  const headerSize = bgzfHeader(head, 0)?.headerSize ?? BGZF_HEADER
  const fields = fieldsOf(file, name, true)
  const count = fields.u64()
  if (count * PAIR !== fields.left)
    throw invalidForeign(name, `is not one of bgzip: it claims ${count} blocks and has ${file.length} bytes`)
  const window = async () => new Uint8Array(0)
  const points: ForeignPoint[] = [{ bit: headerSize * 8, content: 0, lineFeeds: 0, window }]
  let [lastOffset, lastContent, lastPoint] = [0, 0, 0]
  for (let i = 0; i < count; i++) {
    const offset = fields.u64()
    const content = fields.u64()
    if (offset <= lastOffset || content < lastContent)
      throw invalidForeign(name, `has block ${i} out of order`)
    if (offset >= storedSize)
      throw invalidForeign(name, `has block ${i} past the end: is it the index of another object?`)
    if (content - lastPoint >= span) {
      points.push({ bit: (offset + headerSize) * 8, content, lineFeeds: 0, window })
      lastPoint = content
    }
    lastOffset = offset
    lastContent = content
  }
  return { points, size: undefined, lineFeeds: undefined }
}
