import type { Compression } from '../compression/compression.js'
import type { JsonObject } from '../formats/format.js'

// The layout is specified in docs/index-format.md.

export const MAGIC = [0x89, 0x44, 0x50, 0x4c, 0x47, 0x0d, 0x0a, 0x1a] as const
export const VERSION = 1
export const PREAMBLE = 32
export const FIRST_READ = 4096
export const MAX_HEADER = 1 << 20
export const PAGE = 4096
export const CHECKSUM = 4

export interface IndexHeader {
  readonly format: string
  readonly formatVersion: number
  readonly uri: string
  readonly size: number
  readonly etag: string
  readonly attributes: JsonObject
  /** The options that the format was given; absent when there were none. */
  readonly options?: JsonObject
  /** How the object is compressed; absent when it is not. */
  readonly compression?: Compression
  readonly sections: readonly SectionEntry[]
}

export interface SectionEntry {
  readonly name: string
  /** Where the first page of the section starts in the file. */
  readonly offset: number
  /** Bytes of data, checksums not counted. */
  readonly length: number
}

/** Bytes that a section takes in the file, its checksums included. */
export function storedLength(length: number): number {
  return length + CHECKSUM * Math.ceil(length / PAGE)
}
