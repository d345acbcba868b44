import { crcTable } from './crc-algebra.js'
import { malformed } from './inflate-status.js'

/** The header of a gzip member (RFC 1952, 2.3), as far as it is worth knowing. */
export interface GzipHeader {
  /** Byte offset of the member in the object. */
  readonly offset: number
  /** Seconds since 1970, 0 when not given. */
  readonly modified: number
  /** The extra field, of which BGZF makes use; empty when there is none. */
  readonly extra: Uint8Array
  /** File name, at most its first 255 characters; undefined when not given. */
  readonly fileName: string | undefined
}

export interface GzipHeaderParser {
  /** Takes bytes from `at` on and returns where it stopped: the end of `bytes`, or of the header. */
  push(bytes: Uint8Array, at: number): number
  /** The header, once all of it has been seen. */
  readonly header: GzipHeader | undefined
}

const FHCRC = 2
const FEXTRA = 4
const FNAME = 8
const FCOMMENT = 16
const RESERVED = 0xe0
const LONGEST_NAME = 255

/** Length of a header without options, and of one with the extra field of BGZF alone. */
const SHORTEST = 10
const EXTRA_LENGTH = 2

/**
 * The header at `at`, if all of it is there and it has no more than an extra field: so are those of BGZF, of which
 * there may be millions. Undefined for any other, which `gzipHeaderParser` is for.
 *
 * @param offset byte offset of the header in the object
 */
export function shortHeader(
  bytes: Uint8Array,
  at: number,
  offset: number,
): { readonly header: GzipHeader; readonly end: number } | undefined {
  const flags = bytes[at + 3]
  if (at + SHORTEST + EXTRA_LENGTH > bytes.length || (flags !== 0 && flags !== FEXTRA)) return undefined
  if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b || bytes[at + 2] !== 8) return undefined
  const u16 = (place: number) => (bytes[place] ?? 0) | ((bytes[place + 1] ?? 0) << 8)
  const modified = (u16(at + 4) | (u16(at + 6) << 16)) >>> 0
  const start = at + SHORTEST
  if (flags === 0) return { header: { offset, modified, extra: NONE, fileName: undefined }, end: start }
  const end = start + EXTRA_LENGTH + u16(start)
  if (end > bytes.length) return undefined
  const extra = bytes.slice(start + EXTRA_LENGTH, end)
  return { header: { offset, modified, extra, fileName: undefined }, end }
}

const NONE = new Uint8Array(0)

/**
 * Parses a header that arrives in pieces of any size. Memory is bounded, whatever the header claims.
 *
 * @param offset byte offset of the header in the object
 * @throws MALFORMED_DATA (from push) on a wrong magic number, method, reserved flag or header CRC
 */
export function gzipHeaderParser(offset: number, name: string): GzipHeaderParser {
  let crc = ~0
  let seen = 0
  const parsing = parse()
  parsing.next()
  let header: GzipHeader | undefined

  /** Receives one byte a time and ends with the last of the header. */
  function* parse(): Generator<undefined, GzipHeader, number> {
    if ((yield) !== 0x1f || (yield) !== 0x8b) throw fail('it does not start with 1f 8b', 0)
    if ((yield) !== 8) throw fail('its compression method is not 8, deflate', 2)
    const flags = yield
    if ((flags & RESERVED) !== 0) throw fail('reserved flags are set', 3)
    const modified = ((yield) | ((yield) << 8) | ((yield) << 16) | ((yield) << 24)) >>> 0
    yield // XFL
    yield // OS
    let extra = new Uint8Array(0)
    if (flags & FEXTRA) {
      extra = new Uint8Array((yield) | ((yield) << 8))
      for (let i = 0; i < extra.length; i++) extra[i] = yield
    }
    let fileName: string | undefined
    if (flags & FNAME) {
      fileName = ''
      for (let byte = yield; byte !== 0; byte = yield) {
        if (fileName.length < LONGEST_NAME) fileName += String.fromCharCode(byte)
      }
    }
    if (flags & FCOMMENT) while ((yield) !== 0);
    if (flags & FHCRC) {
      const expected = ~crc & 0xffff
      if (((yield) | ((yield) << 8)) !== expected) throw fail('its header CRC does not fit', seen - 2)
    }
    return { offset, modified, extra, fileName }
  }

  function fail(reason: string, at: number) {
    return malformed(`${name} has no valid gzip member at byte ${offset}: ${reason}`, offset + at)
  }

  function push(bytes: Uint8Array, at: number): number {
    while (at < bytes.length) {
      const byte = bytes[at++] ?? 0
      crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] ?? 0)
      seen++
      const step = parsing.next(byte)
      if (step.done) {
        header = step.value
        break
      }
    }
    return at
  }

  return {
    push,
    get header() {
      return header
    },
  }
}
