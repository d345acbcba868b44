import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import { BLOCK_SIZE, CountPacker, PAGE_BLOCKS, packedLength, unpackPage } from './counts.js'
import type { Built, Chunk, Index, LineCheckpoints, LineFacts, Part } from './format.js'
import type { LinePosition } from './line-edges.js'

// The line index of docs/index-format.md: how many line feeds each 512-byte block of the object holds.

const DIRECTORY_ENTRY = 16

/** Map: counts line feeds block by block. The chunk's first and last block may belong to neighbours too. */
export async function scanLines(chunk: Chunk, core: Core): Promise<Part> {
  const [start, end] = chunk.range
  const counter = core.lineBlockCounter(BLOCK_SIZE, start % BLOCK_SIZE)
  let last = 0
  for await (const piece of chunk.stream()) {
    counter.update(piece)
    last = piece[piece.length - 1] ?? last
  }
  const packer = new CountPacker()
  packer.push(counter.finish())
  return { start, end, endsWithNewline: last === NEWLINE, counts: concat(packer.finish()) }
}

const NEWLINE = 10

/** Reduce: blocks that two parts share are added up. */
export function mergeLines(parts: readonly Part[]): Built<LineFacts> {
  const packer = new CountPacker()
  let endsWithNewline = false
  // The last block of a part waits for the next part, which may hold the rest of it.
  let open: { block: number; count: number } | undefined
  for (const part of parts) {
    const { start, end, counts } = part as { start: number; end: number; counts: Uint8Array }
    let block = Math.floor(start / BLOCK_SIZE)
    let blocks = Math.ceil(end / BLOCK_SIZE) - block
    for (let at = 0; blocks > 0; ) {
      const inPage = Math.min(blocks, PAGE_BLOCKS)
      const page = unpackPage(counts, at, inPage)
      at += packedLength(counts, at, inPage)
      if (open?.block === block) page[0] = (page[0] ?? 0) + open.count
      else if (open) packer.push(Uint16Array.of(open.count))
      packer.push(page.subarray(0, -1))
      block += inPage
      blocks -= inPage
      open = { block: block - 1, count: page[inPage - 1] ?? 0 }
    }
    endsWithNewline = part.endsWithNewline === true
  }
  if (open) packer.push(Uint16Array.of(open.count))
  const pages = packer.finish()

  const directory = new Uint8Array(pages.length * DIRECTORY_ENTRY)
  const view = new DataView(directory.buffer)
  let offset = 0
  for (const [i, page] of pages.entries()) {
    view.setBigUint64(i * DIRECTORY_ENTRY, BigInt(packer.totals[i] ?? 0), true)
    view.setBigUint64(i * DIRECTORY_ENTRY + 8, BigInt(offset), true)
    offset += page.length
  }
  const newlines = packer.totals[packer.totals.length - 1] ?? 0
  const totalLines = parts.length === 0 ? 0 : newlines + (endsWithNewline ? 0 : 1)
  return {
    attributes: { totalLines, endsWithNewline },
    sections: { 'line-pages': directory, 'line-counts': concat(pages) },
  }
}

/**
 * Finds where lines begin. `lines` ascending, each from 0 to the number of line feeds of the object.
 *
 * @throws INVALID_INDEX when the index does not hold what it claims
 */
export async function locateLines(
  index: Index<LineFacts>,
  lines: readonly number[],
): Promise<LinePosition[]> {
  return index.checkpoints
    ? locateByCheckpoints(await index.checkpoints(), index.size, lines)
    : locateByCounts(index, lines)
}

const START: LinePosition = { offset: 0, skip: 0, end: 0 }

function locateByCheckpoints(
  places: LineCheckpoints,
  size: number,
  lines: readonly number[],
): LinePosition[] {
  return lines.map((line) => {
    if (line === 0) return START
    const i = places.before(line)
    return {
      offset: places.offset(i),
      skip: line - places.lineFeeds(i),
      end: i + 1 < places.length ? places.offset(i + 1) : size,
    }
  })
}

async function locateByCounts(index: Index<LineFacts>, lines: readonly number[]): Promise<LinePosition[]> {
  const directory = await index.section('line-pages')
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength)
  const pageCount = directory.length / DIRECTORY_ENTRY
  const linesBefore = (page: number) => Number(view.getBigUint64(page * DIRECTORY_ENTRY, true))
  const offsetOf = (page: number) => Number(view.getBigUint64(page * DIRECTORY_ENTRY + 8, true))
  const blockCount = Math.ceil(index.size / BLOCK_SIZE)
  if (pageCount !== Math.ceil(blockCount / PAGE_BLOCKS)) throw damaged()

  const pages = new PageReader(index, pageCount, offsetOf)
  const positions: LinePosition[] = []
  let page = 0
  let block = 0
  let seen = 0
  let counts: Uint16Array | undefined
  for (const line of lines) {
    if (line === 0) {
      positions.push(START)
      continue
    }
    // The page that holds the line feed number `line`, counted from 1.
    if (counts === undefined || (page + 1 < pageCount && linesBefore(page + 1) < line)) {
      page = lastPageBefore(line, page)
      counts = unpackPage(await pages.read(page), 0, Math.min(PAGE_BLOCKS, blockCount - page * PAGE_BLOCKS))
      block = 0
      seen = linesBefore(page)
    }
    while (block < counts.length && seen + (counts[block] ?? 0) < line) seen += counts[block++] ?? 0
    if (block === counts.length) throw damaged()
    const offset = (page * PAGE_BLOCKS + block) * BLOCK_SIZE
    positions.push({ offset, skip: line - seen, end: Math.min(offset + BLOCK_SIZE, index.size) })
  }
  return positions

  /** The last page from `from` on with fewer than `line` line feeds before it. */
  function lastPageBefore(line: number, from: number): number {
    let low = from
    let high = pageCount - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (linesBefore(middle) < line) low = middle
      else high = middle - 1
    }
    return low
  }

  function damaged(): DataplugError {
    return new DataplugError(
      'INVALID_INDEX',
      `the line index of ${index.uri} contradicts itself; preprocess it again`,
      {
        uri: index.uri,
      },
    )
  }
}

/** Reads pages of counts in runs, so that many lines near each other cost few requests. */
class PageReader {
  static readonly #RUN = 1 << 20
  readonly #index: Index<unknown>
  readonly #pageCount: number
  readonly #offsetOf: (page: number) => number
  #run: { range: Range; bytes: Uint8Array } | undefined
  #length: number | undefined

  constructor(index: Index<unknown>, pageCount: number, offsetOf: (page: number) => number) {
    this.#index = index
    this.#pageCount = pageCount
    this.#offsetOf = offsetOf
  }

  /** Bytes that start with page `page`. Pages are asked for in ascending order. */
  async read(page: number): Promise<Uint8Array> {
    this.#length ??= this.#index.sectionLength('line-counts')
    const start = this.#offsetOf(page)
    const end = page + 1 < this.#pageCount ? this.#offsetOf(page + 1) : this.#length
    if (!this.#run || start < this.#run.range[0] || end > this.#run.range[1]) {
      const range: Range = [start, Math.min(Math.max(end, start + PageReader.#RUN), this.#length)]
      this.#run = { range, bytes: await this.#index.section('line-counts', range) }
    }
    return this.#run.bytes.subarray(start - this.#run.range[0])
  }
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
