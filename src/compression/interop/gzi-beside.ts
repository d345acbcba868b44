import { bgzfHeader } from '../../core/bgzf-search.js'
import { DataplugError, isDataplugError } from '../../errors.js'
import type { Source } from '../../storage/source.js'
import { type BgzfBlockList, bgzfBlockList } from '../bgzf-blocks.js'
import { HEAD_SIZE } from '../detect.js'
import type { GzipIndex } from '../gzip-index.js'
import { foreignGzipIndex } from './foreign-gzip.js'
import { invalidForeign } from './foreign-index.js'
import { blocksOfGzi, decodeGzi } from './gzi.js'

/** Sixteen bytes for each 64 KiB of content: a TiB of it. */
const LARGEST = 256 << 20
/** Places at which the object is compared with the .gzi, one small request each. */
const PLACES = 16

/**
 * The structure of a BGZF object from the .gzi beside it, without reading the object. That the .gzi is of this
 * object is checked at PLACES of its blocks and at the last one.
 *
 * @param stored the object as it is stored
 * @param file the .gzi
 * @throws INVALID_INDEX when it is none, or one of another object or state
 */
export async function structureFromGzi(
  stored: Source,
  file: Source,
  span: number,
  signal: AbortSignal | undefined,
): Promise<GzipIndex> {
  try {
    if (file.size > LARGEST) throw invalidForeign(stored.uri, `has more than ${LARGEST} bytes`)
    const head = await stored.bytes([0, Math.min(HEAD_SIZE, stored.size)])
    const bytes = await file.bytes([0, file.size])
    const claimed = decodeGzi(bytes, stored.uri, head, stored.size, span)
    const { points } = claimed
    const step = Math.max(1, Math.ceil(points.length / PLACES))
    // As long as all others are taken to be, so that the first point lies behind it.
    const headerSize = (points[0]?.bit ?? 0) / 8
    const places = points.filter((_, i) => i % step === 0).map(({ bit }) => bit / 8 - headerSize)
    await Promise.all(
      places.map(async (place) => {
        const header = bgzfHeader(await stored.bytes([place, place + headerSize]), 0)
        if (header?.headerSize !== headerSize) throw noBlock(stored, place)
      }),
    )
    const { compression, sections } = await foreignGzipIndex(stored, 'bgzf', claimed, signal)
    const { blocks, end } = blocksOfGzi(bytes)
    const list = bgzfBlockList()
    for (const { stored: size, content } of blocks) list.add(size, content)
    await addLast(list, stored, end)
    const encoded = list.encode()
    if (!encoded) throw invalidForeign(stored.uri, 'has a block of more than 64 KiB')
    return { compression, sections: { ...sections, 'bgzf-blocks': encoded } }
  } catch (cause) {
    if (!isDataplugError(cause, 'INVALID_INDEX')) throw cause
    throw new DataplugError(
      'INVALID_INDEX',
      `${file.uri} is not the index of ${stored.uri} as it is now: make it anew, or remove it (${cause.message})`,
      { uri: file.uri, cause },
    )
  }
}

/** Blocks that a .gzi does not tell: the last with content, and the empty one that ends a file. */
const LAST_BLOCKS = 1 << 20

async function addLast(list: BgzfBlockList, stored: Source, offset: number): Promise<void> {
  if (stored.size - offset > LAST_BLOCKS)
    throw invalidForeign(stored.uri, `ends more than ${LAST_BLOCKS} bytes before the object`)
  const bytes = await stored.bytes([offset, stored.size])
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const header = bgzfHeader(bytes, at)
    if (!header || at + header.blockSize > bytes.length) throw noBlock(stored, offset + at)
    at += header.blockSize
    list.add(header.blockSize, view.getUint32(at - 4, true))
  }
}

function noBlock({ uri }: Source, offset: number): DataplugError {
  return invalidForeign(uri, `is wrong: no block starts at byte ${offset}`)
}
