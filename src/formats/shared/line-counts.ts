import { DataplugError } from '../../errors.js'
import type { Range } from '../../range.js'
import type { Index } from '../format.js'
import { BLOCK_SIZE, PAGE_BLOCKS, unpackPage } from './counts.js'

// Reads the sections `line-pages` and `line-counts` of docs/index-format.md.

/** Bytes of `line-pages` for one page of counts. */
export const DIRECTORY_ENTRY = 16

/** The two sections of an index that hold counts: of line feeds, unless a format counts something else. */
export interface CountSections {
  readonly pages: string
  readonly counts: string
}

const LINES: CountSections = { pages: 'line-pages', counts: 'line-counts' }

/** Line feeds in each block of an object, by pages of PAGE_BLOCKS blocks. */
export interface LineCountTable {
  readonly pageCount: number
  /** Line feeds before page `page`. */
  linesBefore(page: number): number
  /** Line feeds in each block of a page. Pages are asked for in ascending order. */
  counts(page: number): Promise<Uint16Array>
}

/** @throws INVALID_INDEX when the index does not hold what it claims */
export async function openLineCounts(
  index: Index<unknown>,
  sections: CountSections = LINES,
): Promise<LineCountTable> {
  const directory = await index.section(sections.pages)
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength)
  const pageCount = directory.length / DIRECTORY_ENTRY
  const offsetOf = (page: number) => Number(view.getBigUint64(page * DIRECTORY_ENTRY + 8, true))
  const blockCount = Math.ceil(index.size / BLOCK_SIZE)
  if (pageCount !== Math.ceil(blockCount / PAGE_BLOCKS)) throw damagedCounts(index.uri)
  const pages = new PageReader(index, sections.counts, pageCount, offsetOf)
  return {
    pageCount,
    linesBefore: (page) => Number(view.getBigUint64(page * DIRECTORY_ENTRY, true)),
    async counts(page) {
      const blocks = Math.min(PAGE_BLOCKS, blockCount - page * PAGE_BLOCKS)
      return unpackPage(await pages.read(page), 0, blocks)
    },
  }
}

export function damagedCounts(uri: string): DataplugError {
  return new DataplugError(
    'INVALID_INDEX',
    `the line index of ${uri} contradicts itself; preprocess it again`,
    { uri },
  )
}

/** Reads pages of counts in runs, so that many lines near each other cost few requests. */
class PageReader {
  static readonly #RUN = 1 << 20
  readonly #index: Index<unknown>
  readonly #section: string
  readonly #pageCount: number
  readonly #offsetOf: (page: number) => number
  #run: { range: Range; bytes: Uint8Array } | undefined
  #length: number | undefined

  constructor(index: Index<unknown>, section: string, pageCount: number, offsetOf: (page: number) => number) {
    this.#index = index
    this.#section = section
    this.#pageCount = pageCount
    this.#offsetOf = offsetOf
  }

  /** Bytes that start with page `page`. Pages are asked for in ascending order. */
  async read(page: number): Promise<Uint8Array> {
    this.#length ??= this.#index.sectionLength(this.#section)
    const start = this.#offsetOf(page)
    const end = page + 1 < this.#pageCount ? this.#offsetOf(page + 1) : this.#length
    if (!this.#run || start < this.#run.range[0] || end > this.#run.range[1]) {
      const range: Range = [start, Math.min(Math.max(end, start + PageReader.#RUN), this.#length)]
      this.#run = { range, bytes: await this.#index.section(this.#section, range) }
    }
    return this.#run.bytes.subarray(start - this.#run.range[0])
  }
}
