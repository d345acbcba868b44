import * as zlib from 'node:zlib'

/** Running CRC-32 in zlib's convention: start with 0, feed the last value back in. */
export type Crc = (bytes: Uint8Array, crc: number) => number

/** A table-driven CRC for a reflected polynomial. */
export function crcOf(polynomial: number): Crc {
  const table = Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    return value
  })
  return (bytes, crc) => {
    let value = ~crc
    for (const byte of bytes) value = (table[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)
    return ~value >>> 0
  }
}

/** zlib has it since Node 20.15; the table is four times slower. */
export const crc32: Crc =
  typeof zlib.crc32 === 'function' ? (bytes, crc) => zlib.crc32(bytes, crc) : crcOf(0xedb88320)

export const crc32c: Crc = crcOf(0x82f63b78)

/** Four bytes, most significant first, in base64: as S3's checksum headers have it. */
export function crcBase64(crc: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}
