/** Enough bytes from the start of an object to tell how it is compressed. */
export const HEAD_SIZE = 18

export type CompressionKind = 'gzip' | 'bgzf'

/**
 * How an object that starts with `head` is compressed: by the magic of gzip (RFC 1952, 2.3.1) and the
 * extra field "BC" of BGZF (SAM specification, 4.1), never by its name. No gzip file is shorter.
 */
export function detectCompression(head: Uint8Array): CompressionKind | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < HEAD_SIZE || view.getUint16(0) !== 0x1f8b || head[2] !== 8) return undefined
  const flags = head[3] ?? 0
  // Reserved flag bits: another format, or a future gzip.
  if (flags & 0xe0) return undefined
  const isBgzf = flags === 4 && view.getUint16(10, true) >= 6 && view.getUint32(12, true) === 0x00024342
  return isBgzf ? 'bgzf' : 'gzip'
}
