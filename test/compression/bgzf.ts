import { gzipSync } from 'node:zlib'

/** The empty block that ends a BGZF file (SAM specification, 4.1.2). */
export const BGZF_END = Buffer.from('1f8b08040000000000ff0600424302001b0003000000000000000000', 'hex')

/** One BGZF block of up to 65280 bytes of content. @param extra bytes of further subfields */
export function bgzfBlock(content: Uint8Array, level = 6, extra = Buffer.alloc(0)): Buffer {
  const dataAndTrailer = gzipSync(content, { level }).subarray(10)
  const header = Buffer.from('1f8b08040000000000ff060042430200ffff', 'hex')
  header.writeUInt16LE(6 + extra.length, 10)
  header.writeUInt16LE(header.length + extra.length + dataAndTrailer.length - 1, 16)
  return Buffer.concat([header, extra, dataAndTrailer])
}

/** `content` as BGZF in blocks of `blockSize` bytes. */
export function bgzf(content: Uint8Array, blockSize = 65280, level = 6, extra = Buffer.alloc(0)): Buffer {
  const blocks: Buffer[] = []
  for (let start = 0; start < content.length; start += blockSize) {
    blocks.push(bgzfBlock(content.subarray(start, start + blockSize), level, extra))
  }
  return Buffer.concat([...blocks, BGZF_END])
}
