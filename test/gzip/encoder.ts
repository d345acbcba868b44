// A deflate encoder that writes what it is told, right or wrong: for paths that real encoders seldom take.
import { crc32 } from './crc.js'

export interface BitWriter {
  /** n bits, lowest first. */
  bits(value: number, n: number): BitWriter
  /** A Huffman code: highest bit first (RFC 1951, 3.1.1). */
  code(value: number, n: number): BitWriter
  align(fill?: number): BitWriter
  byte(...values: readonly number[]): BitWriter
  readonly length: number
  done(): Uint8Array<ArrayBuffer>
}

export function bitWriter(): BitWriter {
  const out: number[] = []
  let length = 0
  const put = (bit: number) => {
    if (length % 8 === 0) out.push(0)
    out[out.length - 1] = (out.at(-1) ?? 0) | ((bit & 1) << (length % 8))
    length++
  }
  const writer: BitWriter = {
    bits(value, n) {
      for (let i = 0; i < n; i++) put(value >>> i)
      return writer
    },
    code(value, n) {
      for (let i = n - 1; i >= 0; i--) put(value >>> i)
      return writer
    },
    align(fill = 0) {
      while (length % 8 !== 0) put(fill)
      return writer
    },
    byte(...values) {
      for (const value of values) writer.bits(value, 8)
      return writer
    },
    get length() {
      return length
    },
    done: () => Uint8Array.from(out),
  }
  return writer
}

/** Canonical codes for lengths, as RFC 1951, 3.2.2 gives them. */
export function canonical(lengths: readonly number[]): number[] {
  const codes = lengths.map(() => 0)
  let code = 0
  for (let length = 1; length <= 15; length++) {
    lengths.forEach((l, symbol) => {
      if (l === length) codes[symbol] = code++
    })
    code *= 2
  }
  return codes
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Symbols of a block: a number is a literal, a pair a match of length and distance. */
export type Item = number | readonly [length: number, distance: number]

function lengthSymbol(length: number): [symbol: number, extra: number, bits: number] {
  if (length === 258) return [285, 0, 0]
  let base = 3
  for (let i = 0; ; i++) {
    const bits = i < 8 ? 0 : Math.floor(i / 4) - 1
    if (length < base + 2 ** bits) return [257 + i, length - base, bits]
    base += 2 ** bits
  }
}

function distanceSymbol(distance: number): [symbol: number, extra: number, bits: number] {
  let base = 1
  for (let i = 0; ; i++) {
    const bits = i < 4 ? 0 : Math.floor(i / 2) - 1
    if (distance < base + 2 ** bits) return [i, distance - base, bits]
    base += 2 ** bits
  }
}

export const fixedLiterals = Array.from({ length: 288 }, (_, i) =>
  i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8,
)
export const fixedDistances = Array.from({ length: 32 }, () => 5)

export function symbols(
  writer: BitWriter,
  items: readonly Item[],
  literals: readonly number[],
  distances: readonly number[],
): void {
  const literalCodes = canonical(literals)
  const distanceCodes = canonical(distances)
  const literal = (symbol: number) => writer.code(literalCodes[symbol] ?? 0, literals[symbol] ?? 0)
  for (const item of items) {
    if (typeof item === 'number') literal(item)
    else {
      const [symbol, extra, bits] = lengthSymbol(item[0])
      literal(symbol)
      writer.bits(extra, bits)
      const [d, dExtra, dBits] = distanceSymbol(item[1])
      writer.code(distanceCodes[d] ?? 0, distances[d] ?? 0).bits(dExtra, dBits)
    }
  }
  literal(256)
}

/** A dynamic block header with these code lengths. The precode gives all symbols 4 or 5 bits. */
export function dynamicHeader(
  writer: BitWriter,
  final: boolean,
  literals: readonly number[],
  distances: readonly number[],
): void {
  writer.bits(final ? 1 : 0, 1).bits(2, 2)
  writer
    .bits(literals.length - 257, 5)
    .bits(distances.length - 1, 5)
    .bits(15, 4)
  const precode = Array.from({ length: 19 }, (_, i) => (i < 13 ? 4 : 5))
  for (const symbol of ORDER) writer.bits(precode[symbol] ?? 0, 3)
  const codes = canonical(precode)
  for (const length of [...literals, ...distances]) writer.code(codes[length] ?? 0, precode[length] ?? 0)
}

export function dynamicBlock(
  writer: BitWriter,
  final: boolean,
  items: readonly Item[],
  literals: readonly number[],
  distances: readonly number[],
): BitWriter {
  dynamicHeader(writer, final, literals, distances)
  symbols(writer, items, literals, distances)
  return writer
}

export function fixedBlock(writer: BitWriter, final: boolean, items: readonly Item[]): BitWriter {
  writer.bits(final ? 1 : 0, 1).bits(1, 2)
  symbols(writer, items, fixedLiterals, fixedDistances)
  return writer
}

export function storedBlock(writer: BitWriter, final: boolean, data: Uint8Array, fill = 0): BitWriter {
  writer
    .bits(final ? 1 : 0, 1)
    .bits(0, 2)
    .align(fill)
  writer.bits(data.length, 16).bits(~data.length & 0xffff, 16)
  return writer.byte(...data)
}

export interface HeaderFields {
  readonly extra?: Uint8Array
  readonly name?: string
  readonly comment?: string
  readonly headerCrc?: boolean
}

/** A gzip member (RFC 1952) around raw deflate data. */
export function member(
  raw: Uint8Array,
  data: Uint8Array,
  fields: HeaderFields = {},
): Uint8Array<ArrayBuffer> {
  const { extra, name, comment, headerCrc } = fields
  const flags = (headerCrc ? 2 : 0) | (extra ? 4 : 0) | (name ? 8 : 0) | (comment ? 16 : 0)
  const text = (value: string) => new TextEncoder().encode(`${value}\0`)
  const parts: Uint8Array[] = [Uint8Array.of(0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255)]
  if (extra) parts.push(Uint8Array.of(extra.length & 255, extra.length >> 8), extra)
  if (name) parts.push(text(name))
  if (comment) parts.push(text(comment))
  if (headerCrc) {
    const crc = crc32(concat(parts))
    parts.push(Uint8Array.of(crc & 255, (crc >> 8) & 255))
  }
  const trailer = new DataView(new ArrayBuffer(8))
  trailer.setUint32(0, crc32(data), true)
  trailer.setUint32(4, data.length, true)
  return concat([...parts, raw, new Uint8Array(trailer.buffer)])
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
