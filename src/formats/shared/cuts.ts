import type { Core } from '../../core/core.js'
import type { Range } from '../../range.js'
import type { ByteStream } from '../../storage/store.js'
import type { Source } from '../format.js'

/**
 * Where an object may be cut. A *cut* is an offset at which a record, line or word may begin; 0 and the size
 * of the object always are. `first(core, bytes, from)` gives the smallest cut `q` with
 * `max(from, 1) <= q <= bytes.length`, looking only at bytes around `q`, or -1. A cut that depends on
 * the byte after the last one is not reported.
 */
export interface CutRule {
  first(core: Core, bytes: Uint8Array, from: number): number
}

/** After each line feed. */
export const lineCuts: CutRule = { first: (core, bytes, from) => core.firstLineCut(bytes, from) }

/** After each ASCII white-space byte, but not between CR and LF. */
export const wordCuts: CutRule = { first: (core, bytes, from) => core.firstWordCut(bytes, from) }

/** How far a second look past the end goes at first, and at most. */
const FIRST_STEP = 4 << 10
const LAST_STEP = 1 << 20

/**
 * Bytes of the slice that was planned as `range`, both ends moved forward to the next cut. So slices that
 * tile the object as planned tile it as read, and each record belongs to the slice it begins in.
 *
 * One read of `range`, one byte before it and `padding` bytes after it; when the end lies further, reads of
 * 4 KiB growing to 1 MiB until it is found. A slice in which nothing begins is empty.
 */
export async function* readBetweenCuts(
  source: Source,
  range: Range,
  padding: number,
  rule: CutRule,
  core: Core,
): ByteStream & AsyncGenerator<Uint8Array> {
  const [start, end] = range
  if (start === end) return
  const first = Math.max(start - 1, 0)
  const search = new CutSearch(rule, core, first)
  let position = first
  let inside = start === 0

  for await (const piece of readOnwards(source, first, Math.min(end + padding, source.size))) {
    let rest = piece
    if (!inside) {
      const cut = search.feed(rest, start)
      const next = position + rest.length
      if (cut === undefined) {
        // Nothing began before the end: what is here belongs to an earlier slice.
        if (next >= end) return
        position = next
        continue
      }
      if (cut >= end) return
      // A cut can lie at the start of this piece at the earliest: the byte carried over only decides.
      rest = rest.subarray(cut - position)
      position = cut
      inside = true
    }
    const body = Math.max(0, Math.min(rest.length, end - 1 - position))
    if (body > 0) {
      yield rest.subarray(0, body)
      position += body
      rest = rest.subarray(body)
    }
    if (rest.length === 0) continue
    // From the last planned byte on, look for the end.
    if (position === end - 1) search.restart(position)
    const cut = end === source.size ? undefined : search.feed(rest, end)
    if (cut !== undefined) {
      if (cut > position) yield rest.subarray(0, cut - position)
      return
    }
    yield rest
    position += rest.length
  }
}

/** The first cut at or after `at`, found by small reads. */
export async function findCut(
  source: Source,
  at: number,
  padding: number,
  rule: CutRule,
  core: Core,
): Promise<number> {
  if (at === 0 || at >= source.size) return Math.min(at, source.size)
  const search = new CutSearch(rule, core, at - 1)
  for await (const piece of readOnwards(source, at - 1, Math.min(at + padding, source.size))) {
    const cut = search.feed(piece, at)
    if (cut !== undefined) return cut
  }
  return source.size
}

/** `[from, to)`, then on to the end of the object in growing steps, for as long as the consumer asks. */
async function* readOnwards(source: Source, from: number, to: number): AsyncGenerator<Uint8Array> {
  yield* source.read([from, to])
  let step = FIRST_STEP
  for (let position = to; position < source.size; ) {
    const next = Math.min(position + step, source.size)
    yield* source.read([position, next])
    position = next
    step = Math.min(step * 4, LAST_STEP)
  }
}

/** Looks for a cut in pieces: a last byte that could not be decided on is carried to the next piece. */
class CutSearch {
  #carried: Uint8Array | undefined
  #position: number
  readonly #rule: CutRule
  readonly #core: Core

  constructor(rule: CutRule, core: Core, position: number) {
    this.#rule = rule
    this.#core = core
    this.#position = position
  }

  restart(position: number): void {
    this.#position = position
    this.#carried = undefined
  }

  /** The first cut at or after offset `from`, once enough bytes are known. */
  feed(piece: Uint8Array, from: number): number | undefined {
    if (piece.length === 0) return undefined
    let bytes = piece
    let base = this.#position
    if (this.#carried) {
      bytes = new Uint8Array(piece.length + 1)
      bytes.set(this.#carried)
      bytes.set(piece, 1)
      base--
    }
    const cut = this.#rule.first(this.#core, bytes, Math.max(from - base, 1))
    if (cut !== -1) return base + cut
    this.#carried = bytes.slice(-1)
    this.#position += piece.length
    return undefined
  }
}
