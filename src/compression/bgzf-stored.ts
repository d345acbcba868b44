import type { ByteStream } from '../storage/store.js'

// BGZF blocks (SAM specification, 4.1) whose data are stored, not deflated (RFC 1951, 3.2.4): made at memory speed,
// and read by whatever reads BGZF.

const HEADER = 18
const STORED_HEADER = 5
const TRAILER = 8
/** Bytes of content in a block, as htslib has it. */
const CONTENT = 0xff00

/** The empty block that ends a BGZF file (SAM specification, 4.1.2). */
const END = [
  0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
] as const

/** A function that tells a CRC-32, such as that of the core. */
type Crc32 = (bytes: Uint8Array) => number

/** `content` as BGZF. What each stream gives starts a block of its own; no block has more than 65 280 bytes of content. */
export async function* storeBgzf(contents: readonly ByteStream[], crc32: Crc32): AsyncGenerator<Uint8Array> {
  const open = new Uint8Array(CONTENT)
  for (const content of contents) {
    let filled = 0
    for await (const piece of content) {
      for (let at = 0; at < piece.length; ) {
        const taken = Math.min(CONTENT - filled, piece.length - at)
        if (taken === CONTENT) {
          yield block(piece.subarray(at, at + taken), crc32)
        } else {
          open.set(piece.subarray(at, at + taken), filled)
          filled += taken
          if (filled === CONTENT) yield block(open, crc32)
          filled %= CONTENT
        }
        at += taken
      }
    }
    if (filled > 0) yield block(open.subarray(0, filled), crc32)
  }
  yield Uint8Array.from(END)
}

function block(content: Uint8Array, crc32: Crc32): Uint8Array {
  const { length } = content
  const bytes = new Uint8Array(HEADER + STORED_HEADER + length + TRAILER)
  const view = new DataView(bytes.buffer)
  bytes.set(END.slice(0, HEADER - 2))
  view.setUint16(HEADER - 2, bytes.length - 1, true)
  view.setUint8(HEADER, 1)
  view.setUint16(HEADER + 1, length, true)
  view.setUint16(HEADER + 3, ~length, true)
  bytes.set(content, HEADER + STORED_HEADER)
  view.setUint32(bytes.length - TRAILER, crc32(content), true)
  view.setUint32(bytes.length - 4, length, true)
  return bytes
}
