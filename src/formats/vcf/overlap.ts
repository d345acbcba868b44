import { concat } from '../../bytes.js'
import type { Core } from '../../core/core.js'
import type { ByteStream } from '../../storage/store.js'
import type { Region } from '../shared/region.js'

const TAB = 9
const NEWLINE = 10
const SEMICOLON = 0x3b
const END = [0x45, 0x4e, 0x44, 0x3d] as const

/**
 * The lines of `stream`, which are in order of position, that overlap `region`: by POS and the length of REF, or
 * INFO/END where there is one, as in htslib's tbx.c.
 *
 * @returns whether a line lay past the region, so that no more can follow
 */
export async function* overlappingLines(
  stream: ByteStream,
  region: Region,
  core: Core,
): AsyncGenerator<Uint8Array, boolean> {
  const judge = overlapWith(region)
  // A line that spans many pieces is joined once: repeated concatenation would be quadratic.
  let open: Uint8Array[] = []
  for await (const piece of stream) {
    const cut = core.lastLineCut(piece)
    if (cut === -1) {
      open.push(piece)
      continue
    }
    const lines = join([...open, piece.subarray(0, cut)])
    open = cut < piece.length ? [piece.subarray(cut)] : []
    if (yield* runsOf(lines, core.linePositions(lines), judge)) return true
  }
  const last = join(open)
  return yield* runsOf(last, [last.length - 1], judge)
}

type Verdict = 'before' | 'inside' | 'after'

/** Yields consecutive lines inside the region together. */
function* runsOf(
  bytes: Uint8Array,
  ends: ArrayLike<number>,
  judge: (bytes: Uint8Array, start: number, end: number) => Verdict,
): Generator<Uint8Array, boolean> {
  let run = -1
  let start = 0
  for (let i = 0; i < ends.length; i++) {
    const end = (ends[i] as number) + 1
    const verdict = end > start ? judge(bytes, start, end) : 'before'
    if (verdict === 'inside') {
      if (run === -1) run = start
    } else if (run !== -1) {
      yield bytes.subarray(run, start)
      run = -1
    }
    if (verdict === 'after') return true
    start = end
  }
  if (run !== -1) yield bytes.subarray(run, start)
  return false
}

function overlapWith({ name, start: regionStart, end: regionEnd }: Region) {
  const chromosome = new TextEncoder().encode(name)
  return (bytes: Uint8Array, start: number, end: number): Verdict => {
    const nameEnd = start + chromosome.length
    if (bytes[nameEnd] !== TAB) return 'before'
    for (let i = 0; i < chromosome.length; i++) if (bytes[start + i] !== chromosome[i]) return 'before'
    const position = digits(bytes, nameEnd + 1)
    const from = Math.max(position - 1, 0)
    if (from >= regionEnd) return 'after'
    if (from >= regionStart) return 'inside'
    const reference = column(bytes, nameEnd + 1, 2, end)
    const length = column(bytes, reference, 1, end) - 1 - reference
    const info = column(bytes, reference, 4, end)
    const to = endOf(bytes, info, end)
    return (to !== undefined && to > from ? to : from + Math.max(length, 1)) > regionStart
      ? 'inside'
      : 'before'
  }
}

/** Where the column starts that is `columns` after the one at `at`. */
function column(bytes: Uint8Array, at: number, columns: number, end: number): number {
  let left = columns
  let i = at
  for (; i < end && left > 0; i++) if (bytes[i] === TAB) left--
  return i
}

/** INFO/END of the column at `at`. */
function endOf(bytes: Uint8Array, at: number, end: number): number | undefined {
  for (let i = at; i < end && bytes[i] !== TAB && bytes[i] !== NEWLINE; i++) {
    if (i > at && bytes[i - 1] !== SEMICOLON) continue
    if (END.every((byte, k) => bytes[i + k] === byte)) {
      const value = i + END.length
      return isDigit(bytes[value]) ? digits(bytes, value) : undefined
    }
  }
  return undefined
}

function digits(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; isDigit(bytes[i]); i++) value = value * 10 + ((bytes[i] as number) - 0x30)
  return value
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  return only && pieces.length === 1 ? only : concat(pieces)
}
