import { concat } from '../../bytes.js'
import { decodeBgzfBlocks } from '../../compression/bgzf-blocks.js'
import { detectCompression } from '../../compression/detect.js'
import { createGunzip } from '../../core/gunzip.js'
import { DataplugError, isDataplugError } from '../../errors.js'
import type { Range } from '../../range.js'
import { basename } from '../../storage/uri.js'
import type { Chunk, Index } from '../format.js'
import { findBeside } from './beside.js'
import {
  type BinningIndex,
  parseBinningIndex,
  type VirtualOffset,
  type VirtualRange,
} from './binning-index.js'

// How a .bai, .tbi or .csi gets from beside the object into its index, and virtual offsets become those of content.

/** What is asked of an index of 100 GB is a tenth of this. */
const LARGEST = 256 << 20

/** The first object of these that lies beside the one that is scanned, with its bytes as they are. */
export async function findBinningIndex(
  { source, sibling }: Pick<Chunk, 'source' | 'sibling'>,
  endings: readonly string[],
): Promise<{ readonly name: string; readonly bytes: Uint8Array } | undefined> {
  const object = basename(source.uri)
  // Both `reads.bam.bai` and `reads.bai` are in use.
  const names = endings.flatMap((ending) => [object + ending, object.replace(/\.[^.]*$/, '') + ending])
  for (const name of new Set(names)) {
    const found = await findBeside({ sibling }, [name])
    if (!found) continue
    if (found.size > LARGEST) {
      throw new DataplugError('UNSUPPORTED', `${found.uri} has more than ${LARGEST} bytes`, {
        uri: found.uri,
      })
    }
    const bytes = await found.bytes([0, found.size])
    // What cannot be used should not wait until somebody wants a region.
    parseBinningIndex(await decompressed(bytes), found.uri)
    return { name, bytes }
  }
  return undefined
}

/**
 * The index by position that preprocessing found.
 *
 * @param name of the file, from the attributes
 * @throws UNSUPPORTED when it found none
 */
export async function openBinningIndex(
  index: Index<unknown>,
  name: string | undefined,
  wanted: string,
): Promise<BinningIndex> {
  if (name === undefined) {
    throw new DataplugError(
      'UNSUPPORTED',
      `there was no ${wanted} beside ${index.uri} when it was preprocessed, or it is not BGZF: make one and ` +
        'preprocess again with force',
      { uri: index.uri },
    )
  }
  return parseBinningIndex(await decompressed(await index.section('binning-index')), name)
}

/** .tbi and .csi are BGZF, .bai is not. */
async function decompressed(bytes: Uint8Array): Promise<Uint8Array> {
  if (detectCompression(bytes) === undefined) return bytes
  const gunzip = await createGunzip()
  try {
    const pieces: Uint8Array[] = []
    let length = 0
    for (const piece of gunzip.push(bytes)) {
      length += piece.length
      if (length > LARGEST)
        throw new DataplugError('INVALID_INDEX', `an index has more than ${LARGEST} bytes`)
      pieces.push(piece.slice())
    }
    gunzip.finish()
    return concat(pieces)
  } finally {
    gunzip.close()
  }
}

/** Content that two ranges leave out between them is read rather than asked for around it. */
const GAP = 64 << 10

/**
 * Ranges of the object's content for virtual ones, each list for itself; those that lie close become one.
 *
 * @throws INVALID_INDEX when an offset is at no block, as in the index of another object; UNSUPPORTED when the blocks
 * are not known
 */
export async function contentRanges(
  index: Index<unknown>,
  lists: readonly (readonly VirtualRange[])[],
): Promise<Range[][]> {
  const starts = new Map<number, number>()
  for (const { block } of lists.flat(2)) starts.set(block, -1)
  if (starts.size > 0) await locateBlocks(index, starts)
  const contentOf = ({ block, within }: VirtualOffset): number => {
    const start = starts.get(block) ?? -1
    if (start === -1 || start + within > index.size) {
      throw new DataplugError(
        'INVALID_INDEX',
        `the index by position names byte ${block} of ${index.uri}, where no block starts: it is of another object. ` +
          'Make it again, and preprocess with force',
        { uri: index.uri, offset: block },
      )
    }
    return start + within
  }
  return lists.map((list) => {
    const ranges: [number, number][] = []
    for (const [from, to] of list) {
      const range: [number, number] = [contentOf(from), contentOf(to)]
      const last = ranges.at(-1)
      if (last && range[0] <= last[1] + GAP) last[1] = Math.max(last[1], range[1])
      else if (range[0] < range[1]) ranges.push(range)
    }
    return ranges
  })
}

async function locateBlocks(index: Index<unknown>, starts: Map<number, number>): Promise<void> {
  const section = await index.section('bgzf-blocks').catch((cause: unknown) => {
    if (!isDataplugError(cause, 'INVALID_INDEX')) throw cause
    throw new DataplugError(
      'UNSUPPORTED',
      `the blocks of ${index.uri} are not known: it is not BGZF, or its index was imported. Preprocess it with force`,
      { uri: index.uri, cause },
    )
  })
  let [stored, content] = [0, 0]
  for (const block of decodeBgzfBlocks(section, Number.MAX_SAFE_INTEGER, index.uri)) {
    if (starts.has(stored)) starts.set(stored, content)
    stored += block.stored
    content += block.content
  }
  if (starts.has(stored)) starts.set(stored, content)
}
