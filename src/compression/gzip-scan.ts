import { Arena } from '../core/arena.js'
import { createBgzfChunk } from '../core/bgzf-chunk.js'
import { BGZF_LONG_HEADER, createSearchedBgzf } from '../core/bgzf-search.js'
import { createGzipChunk, type DecodedChunk, type GzipChunk } from '../core/gzip-chunk.js'
import type { GzipPart } from '../core/gzip-part.js'
import { createSearchedChunk, SEARCH_ROOM, type SearchedChunk } from '../core/gzip-search.js'
import { borrowMemory, returnMemory } from '../core/memory-pool.js'
import { coreModule } from '../core/module.js'
import { isDataplugError } from '../errors.js'
import type { Range } from '../range.js'
import type { Source } from '../storage/source.js'
import type { ByteStream } from '../storage/store.js'
import type { CompressionKind } from './detect.js'
import { type EncodedGzipPart, encodeGzipPart } from './gzip-part-codec.js'
import { naming } from './naming.js'
import { readOnwards, SCRATCH_SIZE } from './read-onwards.js'

/** Where decoding a chunk starts when the chunks before it are known. */
export interface GzipFrom {
  /** First bit of a block header. */
  readonly bit: number
  /** The up to 32 KiB of content before it. */
  readonly window: Uint8Array
}

export interface GzipScan {
  readonly kind: CompressionKind
  /** Bytes of the object, as stored. */
  readonly range: Range
  /** Bytes of content between seek points. */
  readonly span: number
  /** Where the first block starts, when that is known. */
  readonly from: GzipFrom | undefined
  /** Of BGZF: nothing is inflated, see `createBgzfChunk`. */
  readonly headersOnly: boolean
  /** Whether to give the content. To go from piece to piece takes time, also where nobody looks at them. */
  readonly giveContent: boolean
  readonly signal: AbortSignal | undefined
}

/** Compressed bytes between places where a chunk may end, for seek points that lie `span` bytes of content apart. */
export function strideOf(span: number): number {
  return Math.ceil(span / 2)
}

/**
 * Decodes the blocks that start in `range` of a gzip object, to the last one's end. The chunk at 0 starts with
 * the object, any other at `from`, or with the first block found in it: in BGZF the first block of a member.
 *
 * @returns undefined when none is found
 * @yields the content, when asked to and where it is known: of a gzip chunk that starts at 0 or `from`. A piece is a
 * view that is valid until the next is asked for
 * @throws MALFORMED_DATA when the chunk starts at 0 or `from`
 */
export async function* scanGzip(
  source: Source,
  { kind, range, span, from, headersOnly, giveContent, signal }: GzipScan,
): AsyncGenerator<Uint8Array, EncodedGzipPart | undefined, undefined> {
  const [start, end] = range
  const module = await coreModule()
  const memory = borrowMemory(module)
  const room = idleRoom.pop() ?? {
    read: new Uint8Array(SCRATCH_SIZE),
    search: new Uint8Array(SEARCH_ROOM),
    arena: new Arena(),
  }
  const options = {
    name: source.uri,
    rule: { stride: strideOf(span), span, smallMembers: kind === 'bgzf' },
    until: end === source.size ? Number.POSITIVE_INFINITY : end * 8,
    arena: room.arena,
  }
  const read = (first: number, scratch = room.read) =>
    readOnwards(source, [first, Math.max(end, first)], { signal, scratch })
  try {
    if (kind === 'bgzf' && !giveContent) {
      const sought = from?.bit ?? start * 8
      // What starts in a range is a block's data; the header of the first one may lie before it.
      const first = Math.max(0, Math.floor(sought / 8) - BGZF_LONG_HEADER)
      const open = (offset: number) => createBgzfChunk(memory, offset, { ...options, headersOnly })
      const chunk = start === 0 ? open(0) : createSearchedBgzf(open, first, sought, options, room.search)
      const part = await decodeBlocks(chunk, read(first, memory.input), headersOnly)
      const fits = part && (headersOnly || from === undefined || part.start === from.bit)
      if (fits) return encodeGzipPart(part)
      if (headersOnly || (start > 0 && from === undefined)) return undefined
      // What is wrong, if anything is, a decoder of all that gzip can be knows.
    }
    const chunk =
      from !== undefined || start === 0
        ? createGzipChunk(memory, from ?? { offset: 0 }, options)
        : createSearchedChunk(memory, start, options, room.search)
    const givesContent = giveContent && knowsContent(chunk)
    for await (const bytes of read(from === undefined ? start : Math.floor(from.bit / 8))) {
      const complete = givesContent ? yield* chunk.pieces(bytes) : chunk.push(bytes)
      if (complete) return encoded(chunk.part())
    }
    chunk.finish()
    return encoded(chunk.part())
  } catch (error) {
    throw naming(source.uri, error)
  } finally {
    returnMemory(module, memory)
    idleRoom.push(room)
  }
}

/** Undefined when not all is BGZF: with `mustFit` that is an error, if the chunk is one that knows its start. */
async function decodeBlocks(
  chunk: GzipChunk | SearchedChunk,
  stored: ByteStream,
  mustFit: boolean,
): Promise<GzipPart | undefined> {
  try {
    for await (const bytes of stored) {
      if (chunk.push(bytes)) return chunk.part()
    }
    chunk.finish()
    return chunk.part()
  } catch (error) {
    if (mustFit || !isDataplugError(error, 'MALFORMED_DATA')) throw error
    return undefined
  }
}

/** While the arrays of the part are its own. */
function encoded(part: GzipPart | undefined): EncodedGzipPart | undefined {
  return part && encodeGzipPart(part)
}

function knowsContent(chunk: DecodedChunk | SearchedChunk): chunk is DecodedChunk {
  return 'pieces' in chunk
}

/** As much as chunks were ever decoded at a time here: new arrays would pile up until they are collected. */
const idleRoom: { readonly read: Uint8Array; readonly search: Uint8Array; readonly arena: Arena }[] = []
