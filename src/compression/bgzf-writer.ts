import { deflate } from './deflate.js'

// Writes BGZF (SAM specification, 4.1).

const HEADER = 18
const STORED_HEADER = 5
const TRAILER = 8
/** Bytes of content in a block, as htslib has it: so few that a block fits its 64 KiB even when nothing deflates. */
const CONTENT = 0xff00
/** Blocks that are deflated at once. Node does so in four threads. */
const AT_ONCE = 4

/** The empty block that ends a BGZF file (SAM specification, 4.1.2). */
const END = [
  0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
] as const

/** What goes into BGZF next: content to be deflated, valid until the next part is asked for, or a block as it is. */
export type BgzfPart = { readonly content: Uint8Array } | { readonly block: Uint8Array }

/** A function that tells a CRC-32, such as that of the core. */
type Crc32 = (bytes: Uint8Array) => number

/** The block that must be the last of a BGZF file. */
export const bgzfEnd = (): Uint8Array => Uint8Array.from(END)

/**
 * The blocks of `parts`, in their order. Contents that follow one another share blocks, of 65 280 bytes of content but
 * the last. How they are deflated depends on the host.
 */
export async function* bgzfBlocks(parts: AsyncIterable<BgzfPart>, crc32: Crc32): AsyncGenerator<Uint8Array> {
  const waiting: Promise<Uint8Array>[] = []
  for await (const part of joinContents(parts)) {
    const block = 'block' in part ? Promise.resolve(part.block) : encode(part.content, crc32)
    // Whoever waits for it is told of a failure.
    block.catch(() => undefined)
    waiting.push(block)
    if (waiting.length === AT_ONCE) yield waiting.shift() as Promise<Uint8Array>
  }
  for (const block of waiting) yield block
}

type JoinedPart = { readonly content: Uint8Array<ArrayBuffer> } | { readonly block: Uint8Array }

/** The same with contents of as many bytes as a block has, for good. */
async function* joinContents(parts: AsyncIterable<BgzfPart>): AsyncGenerator<JoinedPart> {
  let open = new Uint8Array(CONTENT)
  let filled = 0
  for await (const part of parts) {
    if ('block' in part) {
      if (filled > 0) yield { content: open.slice(0, filled) }
      filled = 0
      yield part
      continue
    }
    const { content } = part
    for (let at = 0; at < content.length; ) {
      const taken = content.subarray(at, at + CONTENT - filled)
      open.set(taken, filled)
      filled += taken.length
      at += taken.length
      if (filled < CONTENT) break
      yield { content: open }
      open = new Uint8Array(CONTENT)
      filled = 0
    }
  }
  if (filled > 0) yield { content: open.subarray(0, filled) }
}

async function encode(content: Uint8Array<ArrayBuffer>, crc32: Crc32): Promise<Uint8Array> {
  const deflated = await deflate(content)
  // What does not become shorter is stored (RFC 1951, 3.2.4), so that no host's deflate can make too much of it.
  const isStored = deflated.length > STORED_HEADER + content.length
  const length = isStored ? STORED_HEADER + content.length : deflated.length
  const bytes = new Uint8Array(HEADER + length + TRAILER)
  const view = new DataView(bytes.buffer)
  bytes.set(END.slice(0, HEADER - 2))
  view.setUint16(HEADER - 2, bytes.length - 1, true)
  if (isStored) {
    view.setUint8(HEADER, 1)
    view.setUint16(HEADER + 1, content.length, true)
    view.setUint16(HEADER + 3, ~content.length, true)
    bytes.set(content, HEADER + STORED_HEADER)
  } else {
    bytes.set(deflated, HEADER)
  }
  view.setUint32(HEADER + length, crc32(content), true)
  view.setUint32(HEADER + length + 4, content.length, true)
  return bytes
}
