import { concat } from '../../bytes.js'
import type { Core, PackCounts, RowLane, RowScanner } from '../../core/core.js'
import { possibleStates, QUOTED, ROW_START } from '../../core/rows.js'
import type { Chunk, Json, Part } from '../format.js'
import { BLOCK_SIZE, CountPacker, PAGE_BLOCKS } from '../shared/counts.js'
import { dialectBytes } from './dialect.js'
import { checkPlan } from './prepare.js'

/** A stretch of a chunk, read from every state it could begin in. */
export type CsvSegment = {
  readonly start: number
  readonly end: number
  /** For each state, by its number, which of `lanes` reads from it; null where that cannot be. */
  readonly from: readonly (number | null)[]
  readonly lanes: readonly RowLane[]
}

/** Bytes read at a time while there are several lanes: they mostly become one within a few hundred. */
const SHORT_STEP = BLOCK_SIZE
const LONG_STEP = 64 << 10
const SHORT_STEPS = 64

/**
 * Map: counts row ends in each block, under every state that the chunk could begin in. Lanes that come to the same state
 * go on as one: there a segment ends, and the next has fewer.
 */
export async function scanCsv(chunk: Chunk, core: Core): Promise<Part> {
  const plan = checkPlan(chunk.prepared, chunk.source.uri)
  const dialect = dialectBytes(plan.dialect)
  const separators = plan.columns.length > 0 ? plan.columns.length - 1 : undefined
  const scanner = core.rowScanner(dialect, separators)
  const [from] = chunk.range
  const known = plan.start >= from
  const start = Math.max(from, plan.start)
  const scan = speculate(
    scanner,
    core.packCounts,
    start,
    known ? [ROW_START] : possibleStates(dialect),
    known,
  )
  let position = from
  for await (const piece of chunk.stream()) {
    scan.update(piece.subarray(Math.min(Math.max(start - position, 0), piece.length)))
    position += piece.length
  }
  return { start: from, end: chunk.range[1], ...scan.finish() }
}

interface Speculation {
  update(piece: Uint8Array): void
  finish(): Part
}

function speculate(
  scanner: RowScanner,
  pack: PackCounts,
  start: number,
  states: readonly number[],
  whole: boolean,
): Speculation {
  const segments: CsvSegment[] = []
  const blobs: Record<string, Uint8Array> = {}
  let possible = states
  let at = start
  let open: { readonly start: number; readonly from: (number | null)[]; readonly runs: Run[] } | undefined
  let steps = 0

  /** A new segment, once its first byte is known: then many states are alike. */
  function begin(first: number): typeof open {
    const from = new Array<number | null>(8).fill(null)
    const runs: Run[] = []
    for (const state of possible) {
      const simplest = whole && segments.length === 0 ? state : scanner.simplest(state, first)
      let i = runs.findIndex(({ origin }) => origin === simplest)
      if (i < 0) i = runs.push(createRun(scanner, pack, simplest, at, !(whole && segments.length === 0))) - 1
      from[state] = i
    }
    steps = 0
    return { start: at, from, runs }
  }

  function close(): void {
    if (!open) return
    const number = segments.length
    segments.push({ start: open.start, end: at, from: open.from, lanes: open.runs.map(({ lane }) => lane) })
    for (const [i, run] of open.runs.entries()) Object.assign(blobs, run.finish(`${number}.${i}.`))
    possible = [...new Set(open.runs.map(({ lane }) => lane.state))]
    open = undefined
  }

  return {
    update(piece) {
      for (let from = 0; from < piece.length; ) {
        open ??= begin(piece[from] as number)
        const single = open?.runs.length === 1
        const length = single ? piece.length : steps++ < SHORT_STEPS ? SHORT_STEP : LONG_STEP
        const to = single ? piece.length : Math.min(from + length - (at % BLOCK_SIZE), piece.length)
        const bytes = piece.subarray(from, to)
        const runs = open?.runs ?? []
        const plain = runs.find(({ lane }) => lane.state !== QUOTED) ?? runs[0]
        plain?.scan(bytes, at)
        for (const run of runs) {
          if (run === plain) continue
          // Within quotes nothing happens before the next one.
          if (run.lane.state === QUOTED && !plain?.lane.seen) run.skip(bytes.length, at)
          else run.scan(bytes, at)
        }
        at += bytes.length
        from = to
        if (
          runs.length > 1 &&
          at % BLOCK_SIZE === 0 &&
          new Set(runs.map(({ lane }) => lane.state)).size < runs.length
        )
          close()
      }
    },
    finish() {
      close()
      return { segments: segments as unknown as Json, ...blobs }
    },
  }
}

interface Run {
  readonly origin: number
  readonly lane: RowLane
  scan(bytes: Uint8Array, at: number): void
  /** As `scan`, of bytes in which nothing happens. */
  skip(length: number, at: number): void
  finish(prefix: string): Record<string, Uint8Array>
}

/** One lane, and its counts and states block by block. */
function createRun(
  scanner: RowScanner,
  pack: PackCounts,
  origin: number,
  start: number,
  partial: boolean,
): Run {
  const lane = scanner.lane(origin, partial)
  const first = Math.floor(start / BLOCK_SIZE)
  const counts = new CountPacker(pack, first % PAGE_BLOCKS)
  // The block that the start lies inside of has its state from elsewhere.
  const states = new CountPacker(pack, Math.ceil(start / BLOCK_SIZE) % PAGE_BLOCKS)
  let pending: number | undefined

  function take(rows: Uint16Array, before: Uint16Array, at: number, length: number): void {
    let from = 0
    if (at % BLOCK_SIZE !== 0) {
      pending = (pending ?? 0) + (rows[0] ?? 0)
      from = 1
    }
    states.push(before.subarray(from))
    const isOpen = (at + length) % BLOCK_SIZE !== 0
    // Only one block was touched, and goes on.
    if (from === rows.length && isOpen) return
    if (pending !== undefined) counts.push(Uint16Array.of(pending))
    pending = isOpen ? rows[rows.length - 1] : undefined
    counts.push(rows.subarray(from, isOpen ? -1 : undefined))
  }

  return {
    origin,
    lane,
    scan(bytes, at) {
      let left = bytes.length
      scanner.scan(lane, bytes, at, (rows, before, offset) => {
        const room = rows.length * BLOCK_SIZE - (offset % BLOCK_SIZE)
        const length = Math.min(room, left)
        take(rows, before, offset, length)
        left -= length
      })
    },
    skip(length, at) {
      const blocks = Math.ceil((at + length) / BLOCK_SIZE) - Math.floor(at / BLOCK_SIZE)
      lane.seen = false
      take(new Uint16Array(blocks), new Uint16Array(blocks).fill(QUOTED), at, length)
    },
    finish(prefix) {
      if (pending !== undefined) counts.push(Uint16Array.of(pending))
      return {
        [`${prefix}counts`]: concat(counts.finish()),
        [`${prefix}sums`]: counts.sums(),
        [`${prefix}states`]: concat(states.finish()),
      }
    },
  }
}
