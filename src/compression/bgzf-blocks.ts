import { withRoom } from '../bytes.js'
import { DataplugError } from '../errors.js'

// The section `bgzf-blocks` of docs/index-format.md.

const RECORD = 5
const LARGEST_BLOCK = 64 << 10

/** One block of a BGZF object. */
export interface BgzfBlock {
  /** Bytes in the object. */
  readonly stored: number
  /** Bytes of content. */
  readonly content: number
}

/** Collects the blocks of a BGZF object. */
export interface BgzfBlockList {
  /** @param stored bytes in the object, of which the block has `content` */
  add(stored: number, content: number): void
  /** The section; undefined when some member is too large to be a block. */
  encode(): Uint8Array | undefined
}

export function bgzfBlockList(): BgzfBlockList {
  let bytes = new Uint8Array(1 << 12)
  let length = 0
  let isBgzf = true
  return {
    add(stored, content) {
      if (stored > LARGEST_BLOCK || content > LARGEST_BLOCK) isBgzf = false
      if (!isBgzf) return
      bytes = withRoom(bytes, length, length + RECORD)
      bytes[length] = stored - 1
      bytes[length + 1] = (stored - 1) >> 8
      bytes[length + 2] = content
      bytes[length + 3] = content >> 8
      bytes[length + 4] = content >> 16
      length += RECORD
    },
    encode: () => (isBgzf ? bytes.slice(0, length) : undefined),
  }
}

/** @throws INVALID_INDEX when the blocks do not add up to the object */
export function decodeBgzfBlocks(section: Uint8Array, storedSize: number, uri: string): BgzfBlock[] {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength)
  let stored = 0
  const blocks = Array.from({ length: Math.floor(section.length / RECORD) }, (_, i) => {
    const at = i * RECORD
    const block = {
      stored: view.getUint16(at, true) + 1,
      content: view.getUint16(at + 2, true) | (view.getUint8(at + 4) << 16),
    }
    stored += block.stored
    return block
  })
  // Zero bytes may follow the last block.
  if (section.length % RECORD !== 0 || stored > storedSize) {
    throw new DataplugError('INVALID_INDEX', `the blocks of ${uri} do not add up; preprocess it again`, {
      uri,
    })
  }
  return blocks
}
