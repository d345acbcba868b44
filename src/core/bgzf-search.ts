import { isDataplugError } from '../errors.js'
import type { ChunkOptions, GzipChunk } from './gzip-chunk.js'
import type { SearchedChunk } from './gzip-search.js'

/** Bytes of a BGZF block's header as every known program writes it. */
export const BGZF_HEADER = 18
/** More than the header of any block with further fields that a program is known to write. */
export const BGZF_LONG_HEADER = 1024
/** A header is believed when so many follow each other where each says that the next one is. */
const CHAIN = 4
const BLOCK = 64 << 10
/** Bytes in which a header and those after it must lie: one in the first 64 KiB, if there is any. */
const ENOUGH = (CHAIN + 1) * BLOCK

/** The BGZF block that starts at `at`, if its header (SAM specification, 4.1) lies in `bytes` and is one. */
export function bgzfHeader(
  bytes: Uint8Array,
  at: number,
): { readonly headerSize: number; readonly blockSize: number } | undefined {
  if (at + BGZF_HEADER > bytes.length) return undefined
  // Gzip's magic, deflate, an extra field and nothing else; the field begins with BC and two bytes of size.
  if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b || bytes[at + 2] !== 8 || bytes[at + 3] !== 4)
    return undefined
  const u16 = (offset: number) => (bytes[at + offset] ?? 0) | ((bytes[at + offset + 1] ?? 0) << 8)
  if (u16(12) !== 0x4342 || u16(14) !== 2) return undefined
  const headerSize = 12 + u16(10)
  const blockSize = u16(16) + 1
  return headerSize >= BGZF_HEADER && blockSize > headerSize + 8 ? { headerSize, blockSize } : undefined
}

/**
 * The chunk that starts with the first BGZF block whose data begins at or after bit `from`. Like
 * `createSearchedChunk` it never throws on malformed data.
 *
 * @param open starts a chunk with the block at an offset of the object
 * @param offset of the first byte pushed, so far before `from` that the block's header is not missed
 * @param room SEARCH_ROOM bytes that nothing else uses meanwhile
 */
export function createSearchedBgzf(
  open: (offset: number) => GzipChunk,
  offset: number,
  from: number,
  { until }: Pick<ChunkOptions, 'until'>,
  room: Uint8Array = new Uint8Array(ENOUGH),
): SearchedChunk {
  const kept = room.subarray(0, ENOUGH)
  let keptLength = 0
  let chunk: GzipChunk | undefined
  let failed = false

  function attempt(step: () => boolean): boolean {
    try {
      return step()
    } catch (error) {
      if (!isDataplugError(error, 'MALFORMED_DATA')) throw error
      failed = true
      return true
    }
  }

  /** @returns where the first block starts among the bytes kept */
  function find(ended: boolean): number | undefined {
    const bytes = kept.subarray(0, keptLength)
    for (
      let at = bytes.indexOf(0x1f);
      at >= 0 && at <= BLOCK + BGZF_LONG_HEADER;
      at = bytes.indexOf(0x1f, at + 1)
    ) {
      const first = bgzfHeader(bytes, at)
      if (!first) continue
      const bit = (offset + at + first.headerSize) * 8
      if (bit >= until) return undefined
      if (bit >= from && isChain(bytes, at, ended)) return at
    }
    return undefined
  }

  function start(ended: boolean): boolean {
    const at = find(ended)
    failed = at === undefined
    if (at === undefined) return true
    const started = open(offset + at)
    chunk = started
    return attempt(() => started.push(kept.subarray(at, keptLength)))
  }

  return {
    push(bytes) {
      if (failed) return true
      const running = chunk
      if (running) return attempt(() => running.push(bytes))
      const taken = bytes.subarray(0, ENOUGH - keptLength)
      kept.set(taken, keptLength)
      keptLength += taken.length
      if (keptLength < ENOUGH) return false
      if (start(false)) return true
      const rest = bytes.subarray(taken.length)
      return rest.length > 0 && attempt(() => (chunk as GzipChunk).push(rest))
    },
    finish() {
      if (!chunk && start(true)) return
      attempt(() => {
        chunk?.finish()
        return true
      })
    },
    part: () => (failed ? undefined : chunk?.part()),
  }
}

/** Whether headers follow each other from `at` on, up to the end of the object if that comes first. */
function isChain(bytes: Uint8Array, at: number, ended: boolean): boolean {
  let next = at
  for (let link = 0; link < CHAIN; link++) {
    if (ended && next === bytes.length) return link > 0
    const header = bgzfHeader(bytes, next)
    if (!header) return false
    next += header.blockSize
  }
  return true
}
