import { concat } from '../../bytes.js'
import type { Core } from '../../core/core.js'
import type { Range } from '../../range.js'
import type { Built, Chunk, Index, LineCheckpoints, LineFacts, Part } from '../format.js'
import { BLOCK_SIZE, CountPacker, PAGE_BLOCKS, PAGE_SIZE, packedLength, unpackPage } from './counts.js'
import { lastBelow } from './last-below.js'
import { type CountSections, DIRECTORY_ENTRY, damagedCounts, openLineCounts } from './line-counts.js'
import type { LinePosition } from './line-edges.js'

// The line index of docs/index-format.md: how many line feeds each 512-byte block of the object holds.

/** Map: counts line feeds block by block. The chunk's first and last block may belong to neighbours too. */
export async function scanLines(chunk: Chunk, core: Core): Promise<Part> {
  const counter = lineCounter(chunk.range, core)
  for await (const piece of chunk.stream()) counter.update(piece)
  return counter.finish()
}

/** The same for formats that look for more than lines: a chunk's pieces in, in order, and its part out. */
export function lineCounter(
  [start, end]: Range,
  core: Core,
): { update(piece: Uint8Array): void; finish(): Part } {
  const counter = core.lineBlockCounter(BLOCK_SIZE, start % BLOCK_SIZE)
  const packer = new CountPacker(core.packCounts)
  let last = 0
  return {
    update(piece) {
      counter.update(piece)
      packer.push(counter.take())
      last = piece[piece.length - 1] ?? last
    },
    finish() {
      packer.push(counter.finish())
      const counts = concat(packer.finish())
      return { start, end, endsWithNewline: last === NEWLINE, counts, sums: packer.sums() }
    },
  }
}

const NEWLINE = 10

type LinePart = {
  readonly start: number
  readonly end: number
  /** Pages of counts, from the part's first block on, and what each page sums up to. */
  readonly counts: Uint8Array
  readonly sums: Uint8Array
}

/** Reduce: blocks that two parts share are added up. */
export function mergeLines(parts: readonly Part[]): Built<LineFacts> {
  const packer = new CountPacker()
  let endsWithNewline = false
  // The last block of a part waits for the next part, which may hold the rest of it.
  let open: { block: number; count: number } | undefined
  for (const part of parts) {
    const { start, end, counts, sums } = part as LinePart
    let block = Math.floor(start / BLOCK_SIZE)
    let blocks = Math.ceil(end / BLOCK_SIZE) - block
    let at = 0
    if (start % PAGE_SIZE === 0) {
      // Pages that lie in this part alone are taken as they are.
      if (open) packer.push(Uint16Array.of(open.count))
      open = undefined
      const pages = Math.floor((end - start) / PAGE_SIZE)
      at = packer.pushPages(counts, sums, pages)
      block += pages * PAGE_BLOCKS
      blocks -= pages * PAGE_BLOCKS
    }
    while (blocks > 0) {
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
  const { pages, counts } = countSections(packer)
  const newlines = packer.totals[packer.totals.length - 1] ?? 0
  const totalLines = parts.length === 0 ? 0 : newlines + (endsWithNewline ? 0 : 1)
  return {
    attributes: { totalLines, endsWithNewline },
    sections: { 'line-pages': pages, 'line-counts': counts },
  }
}

/** The directory of the pages that a packer made, and the pages. */
export function countSections(packer: CountPacker): { pages: Uint8Array; counts: readonly Uint8Array[] } {
  const pages = packer.finish()
  const directory = new Uint8Array(pages.length * DIRECTORY_ENTRY)
  const view = new DataView(directory.buffer)
  let offset = 0
  for (const [i, page] of pages.entries()) {
    view.setBigUint64(i * DIRECTORY_ENTRY, BigInt(packer.totals[i] ?? 0), true)
    view.setBigUint64(i * DIRECTORY_ENTRY + 8, BigInt(offset), true)
    offset += page.length
  }
  return { pages: directory, counts: pages }
}

/**
 * Finds where lines begin. `lines` ascending, each from 0 to the number of line feeds of the object.
 *
 * @throws INVALID_INDEX when the index does not hold what it claims
 */
export async function locateLines(index: Index<unknown>, lines: readonly number[]): Promise<LinePosition[]> {
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

/** As `locateLines`, by the counts of what the sections count. */
export async function locateByCounts(
  index: Index<unknown>,
  lines: readonly number[],
  sections?: CountSections,
): Promise<LinePosition[]> {
  const table = await openLineCounts(index, sections)
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
    if (counts === undefined || (page + 1 < table.pageCount && table.linesBefore(page + 1) < line)) {
      page = lastBelow(line, page, table.pageCount - 1, (i) => table.linesBefore(i))
      counts = await table.counts(page)
      block = 0
      seen = table.linesBefore(page)
    }
    while (block < counts.length && seen + (counts[block] ?? 0) < line) seen += counts[block++] ?? 0
    if (block === counts.length) throw damagedCounts(index.uri)
    const offset = (page * PAGE_BLOCKS + block) * BLOCK_SIZE
    positions.push({ offset, skip: line - seen, end: Math.min(offset + BLOCK_SIZE, index.size) })
  }
  return positions
}
