import { BGZF_HEADER, BGZF_LONG_HEADER, bgzfHeader } from '../core/bgzf-search.js'
import { createGunzip } from '../core/gunzip.js'
import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import type { Source, StoredBlock } from '../storage/source.js'
import type { Span } from './access.js'
import { ByteQueue } from './byte-queue.js'
import { decodeFrom, decodeSpan } from './decode.js'
import { naming } from './naming.js'
import { readOnwards } from './read-onwards.js'
import type { ReadWindow } from './window.js'

const LARGEST_CONTENT = 64 << 10

/**
 * The `blocks` of a source (see there) of `size` bytes of content, from a span's seek point on. Whether the object is
 * BGZF shows in its bytes: at a seek point without a window the data of a block start, and right before there is its header,
 * which says where the next one is. From where there is none, the rest is decoded.
 */
export async function* storedBlocks(
  stored: Source,
  span: Span,
  size: number,
  range: Range,
  readWindow: ReadWindow,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredBlock> {
  const [start, end] = range
  if (span.window !== undefined || span.bit % 8 !== 0) {
    yield* decoded(decodeSpan(stored, span, end, readWindow, signal), span.content, start)
    return
  }
  const data = span.bit / 8
  const first = Math.max(0, data - BGZF_LONG_HEADER)
  const queue = new ByteQueue(readOnwards(stored, [first, span.end], { signal }))
  try {
    // A block's data are never at bit 0: there the object starts, with a header.
    const header = data === 0 ? 0 : headerBefore(await queue.peek(data - first), data - first)
    queue.drop(header ?? data - first)
    if (header === undefined) {
      const place = { bit: span.bit, window: new Uint8Array(0) }
      yield* decoded(decodeFrom(place, queue.rest(), stored, [span.content, end]), span.content, start)
      return
    }
    let offset = first + header
    let content = span.content
    while (content < end) {
      const block = await nextBlock(queue, stored, offset)
      if (!block) {
        const rest = decodeFrom({ offset }, queue.rest(), stored, [content, end])
        yield* decoded(rest, content, start)
        return
      }
      const held: Range = [content, content + contentSize(block)]
      if (held[1] > size) {
        throw malformed(
          stored,
          `has more content in its BGZF block at byte ${offset} than its index says`,
          offset,
        )
      }
      const place = offset
      if (held[1] > Math.max(start, content)) {
        yield {
          range: held,
          stored: block,
          content: () => inflateBlock(block, stored.uri, place),
        }
      }
      queue.drop(block.length)
      offset += block.length
      content = held[1]
    }
  } finally {
    await queue.close()
  }
}

/** Pieces of content that are valid until the next is asked for, without those before `start`. */
async function* decoded(
  pieces: AsyncIterable<Uint8Array>,
  position: number,
  start: number,
): AsyncGenerator<StoredBlock> {
  let at = position
  for await (const piece of pieces) {
    const range: Range = [at, at + piece.length]
    at = range[1]
    if (at > start) yield { range, content: async () => piece.slice() }
  }
}

/** Where in `bytes` the BGZF header starts that ends at `end`. */
function headerBefore(bytes: Uint8Array, end: number): number | undefined {
  for (let at = end - BGZF_HEADER; at >= 0; at--) {
    if (bgzfHeader(bytes, at)?.headerSize === end - at) return at
  }
  return undefined
}

/**
 * The BGZF block that is next, at `offset` of the object; undefined when what is next is none.
 *
 * @throws MALFORMED_DATA when it does not end where the next one, or the object, tells
 */
async function nextBlock(queue: ByteQueue, stored: Source, offset: number): Promise<Uint8Array | undefined> {
  const header = bgzfHeader(await queue.peek(BGZF_HEADER), 0)
  if (!header) return undefined
  const { headerSize, blockSize } = header
  const bytes = await queue.peek(blockSize + BGZF_HEADER)
  const what = `is damaged: its BGZF block at byte ${offset}`
  if (bytes.length < blockSize)
    throw malformed(stored, `${what} has ${blockSize} bytes, more than follow`, offset)
  if (!hasWholeFields(bytes, headerSize)) return undefined
  const block = bytes.subarray(0, blockSize)
  if (!canFollow(bytes.subarray(blockSize, blockSize + BGZF_HEADER))) {
    throw malformed(stored, `${what} has ${blockSize} bytes, and no block comes after them`, offset)
  }
  if (contentSize(block) > LARGEST_CONTENT) {
    throw malformed(
      stored,
      `${what} has ${contentSize(block)} bytes of content, more than a block may`,
      offset,
    )
  }
  return block
}

/** Whether the extra field of a BGZF header consists of subfields (RFC 1952, 2.3.1.1). */
function hasWholeFields(bytes: Uint8Array, headerSize: number): boolean {
  let at = BGZF_HEADER
  while (at + 4 <= headerSize) at += 4 + ((bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8))
  return at === headerSize
}

/** Whether bytes after a block may be: the start of a gzip member, or zeros, or none. */
function canFollow(bytes: Uint8Array): boolean {
  if (bytes.every((byte) => byte === 0)) return true
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8
}

/** ISIZE. */
function contentSize(block: Uint8Array): number {
  return new DataView(block.buffer, block.byteOffset, block.length).getUint32(block.length - 4, true)
}

async function inflateBlock(block: Uint8Array, uri: string, offset: number): Promise<Uint8Array> {
  const content = new Uint8Array(contentSize(block))
  const gunzip = await createGunzip({ name: uri, offset })
  let filled = 0
  try {
    for (const piece of gunzip.push(block)) {
      if (filled + piece.length <= content.length) content.set(piece, filled)
      filled += piece.length
    }
    gunzip.finish()
  } catch (error) {
    throw naming(uri, error)
  } finally {
    gunzip.close()
  }
  if (filled === content.length) return content
  const what = `has ${filled} bytes of content in its BGZF block at byte ${offset}, which says ${content.length}`
  throw new DataplugError('MALFORMED_DATA', `${uri} ${what}`, { uri, offset })
}

function malformed({ uri }: Source, what: string, offset: number): DataplugError {
  return new DataplugError('MALFORMED_DATA', `${uri} ${what}`, { uri, offset })
}
