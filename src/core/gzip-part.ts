import type { SparseWindow } from './sparse-window.js'

/** In an array of bytes where all are, that is, where the window before the chunk was known. */
export type Symbols = Uint8Array | Uint16Array

/**
 * What decoding one chunk of a gzip stream leaves behind. Nothing need be known of the bytes before the
 * chunk: where they matter, a *symbol* stands for them. Symbols 0..255 are bytes; 32768 + i is byte i of
 * the 32 KiB window before the chunk (i = 32767 the newest). With a known window there are only bytes.
 */
export interface GzipPart {
  /** Bit of the object at which the chunk's first block starts; for a chunk of whole members, after the header. */
  readonly start: number
  /** Bit at which the next chunk starts; undefined when the object ended. */
  readonly end: number | undefined
  /** Decoded bytes. */
  readonly size: number
  /** Deflate blocks. */
  readonly blocks: number
  /** How many bytes before the chunk some match needs, at most 32768. */
  readonly reach: number
  /** Places where decoding can start, the first being the chunk's own start. */
  readonly points: readonly PartPoint[]
  /** The lines from the last point to the end of the chunk. */
  readonly lines: LineCount
  /**
   * Members that lie in the chunk whole, one after the other from its start, and have been checked: the bytes of each in
   * the object, and of its data. All that there are where BGZF was decoded block by block, else none.
   */
  readonly members: Uint32Array
  /** The other data, cut at the ends of members, in order; the last member goes on unless it has a trailer. */
  readonly segments: readonly PartSegment[]
  /** Factors of the markers in the first segment's CRC. */
  readonly factors: MarkerPairs
  /** The last symbol decoded; -1 when there is none. */
  readonly last: number
  /** The last symbols of the current member, up to 32 Ki: the window of the next chunk. */
  readonly tail: Symbols
}

export interface PartPoint {
  /** First bit of a block header. */
  readonly bit: number
  /** Bytes decoded from the start of the chunk to here. */
  readonly output: number
  /** Lines from the point before (or the start) to here. */
  readonly lines: LineCount
  readonly window: SparseWindow
}

/** Line feeds: those seen, and of each marker how often it would be one. */
export interface LineCount {
  readonly literal: number
  readonly markers: MarkerPairs
}

/** Number `values[k]` for marker `markers[k]`; markers ascend. */
export interface MarkerPairs {
  readonly markers: Uint16Array
  readonly values: Uint32Array
}

export interface PartSegment {
  readonly size: number
  /** CRC-32, with every marker taken as a zero byte. */
  readonly crc: number
  /** The trailer of the member, when it ends with this segment. */
  readonly trailer: { readonly crc: number; readonly size: number; readonly end: number } | undefined
}

export const noMembers = new Uint32Array(0)

export const noPairs: MarkerPairs = { markers: new Uint16Array(0), values: new Uint32Array(0) }
