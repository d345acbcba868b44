import { concat } from '../bytes.js'
import type { GzipPart, LineCount, MarkerPairs, PartPoint, PartSegment, Symbols } from '../core/gzip-part.js'
import { MASK_SIZE } from '../core/sparse-window.js'

/** A `GzipPart` as named values that survive JSON and bytes: what a task returns. */
export type EncodedGzipPart = {
  readonly facts: string
  readonly symbols: Uint8Array<ArrayBuffer>
}

interface Facts {
  readonly start: number
  readonly end: number | null
  readonly size: number
  readonly blocks: number
  readonly reach: number
  readonly last: number
  /** Numbers in `members`. */
  readonly members: number
  readonly segments: readonly (readonly [size: number, crc: number, ...trailer: number[]])[]
  /** bit, output, line feeds, markers that may be some, symbols in the window */
  readonly points: readonly (readonly [number, number, number, number, number])[]
  readonly lines: readonly [literal: number, markers: number]
  readonly factors: number
  readonly tail: number
  /** Symbols take two bytes each. */
  readonly wide: boolean
}

/** Packs the arrays of a part one after the other. */
export function encodeGzipPart(part: GzipPart): EncodedGzipPart {
  const { start, end, size, blocks, reach, last, members, segments, points, lines, factors, tail } = part
  const arrays: Uint8Array[] = []
  const put = ({ buffer, byteOffset, byteLength }: Uint8Array | Uint16Array | Uint32Array) =>
    arrays.push(new Uint8Array(buffer, byteOffset, byteLength))
  const pairs = ({ markers, values }: MarkerPairs) => {
    put(markers)
    put(values)
    return markers.length
  }
  put(members)
  const facts = {
    start,
    end: end ?? null,
    size,
    blocks,
    reach,
    last,
    members: members.length,
    segments: segments.map(({ size: bytes, crc, trailer }) =>
      trailer ? ([bytes, crc, trailer.crc, trailer.size, trailer.end] as const) : ([bytes, crc] as const),
    ),
    points: points.map(({ bit, output, lines: before, window }) => {
      const markers = pairs(before.markers)
      put(window.mask)
      put(window.symbols)
      return [bit, output, before.literal, markers, window.symbols.length] as const
    }),
    lines: [lines.literal, pairs(lines.markers)] as const,
    factors: pairs(factors),
    tail: tail.length,
    wide: tail instanceof Uint16Array,
  }
  put(tail)
  return { facts: JSON.stringify(facts satisfies Facts), symbols: concat(arrays) }
}

export function decodeGzipPart({ facts: json, symbols }: EncodedGzipPart): GzipPart {
  const facts = JSON.parse(json) as Facts
  const reader = new ArrayReader(symbols)
  const pairs = (length: number): MarkerPairs => ({ markers: reader.u16(length), values: reader.u32(length) })
  const symbolsOf = (length: number): Symbols => (facts.wide ? reader.u16(length) : reader.u8(length))
  const count = (literal: number, markers: number): LineCount => ({ literal, markers: pairs(markers) })
  const members = reader.u32(facts.members)
  const points = facts.points.map(([bit, output, literal, markers, kept]): PartPoint => {
    const lines = count(literal, markers)
    const mask = reader.u8(kept > 0 ? MASK_SIZE : 0)
    return { bit, output, lines, window: { mask, symbols: symbolsOf(kept) } }
  })
  const lines = count(...facts.lines)
  const factors = pairs(facts.factors)
  const { start, end, size, blocks, reach, last } = facts
  const segments = facts.segments.map(([bytes, crc, trailerCrc, trailerSize, trailerEnd]): PartSegment => {
    const trailer =
      trailerEnd === undefined ? undefined : { crc: trailerCrc ?? 0, size: trailerSize ?? 0, end: trailerEnd }
    return { size: bytes, crc, trailer }
  })
  return {
    start,
    end: end ?? undefined,
    size,
    blocks,
    reach,
    last,
    points,
    lines,
    members,
    segments,
    factors,
    tail: symbolsOf(facts.tail),
  }
}

/** Arrays one after the other: in place where they are aligned, else copied. */
class ArrayReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  u8(length: number): Uint8Array {
    const start = this.#offset
    this.#offset += length
    return this.#bytes.subarray(start, this.#offset)
  }

  u16(length: number): Uint16Array {
    const { buffer, byteOffset } = this.#aligned(length, 2)
    return new Uint16Array(buffer, byteOffset, length)
  }

  u32(length: number): Uint32Array {
    const { buffer, byteOffset } = this.#aligned(length, 4)
    return new Uint32Array(buffer, byteOffset, length)
  }

  #aligned(length: number, size: number): Uint8Array {
    const bytes = this.u8(length * size)
    return bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  }
}
