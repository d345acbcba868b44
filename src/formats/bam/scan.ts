import { concat, withRoom } from '../../bytes.js'
import { DataplugError } from '../../errors.js'
import type { Chunk, MergeContext, Part } from '../format.js'
import { findBinningIndex } from '../shared/binning-index-file.js'
import { BamHeaderReader } from './header.js'
import { checkedLength, FIXED, isLikely } from './record.js'
import { RecordWalk, type WalkFacts } from './walk.js'

// A chunk of a BAM does not know where its first record starts. It follows the records from each place that can be
// one, until one place has led to many. `followRecords` takes the walk that comes by the end of the records before.
// What looked like a record inside another is thus left aside, and never changes a result.

/** Chunks below are kept as they are: too few bytes to be sure of anything. */
const SHORT = 4096
/** A name, its length told in a byte, follows the fixed fields. */
const LONGEST_START = FIXED + 255
/** How far a first record is looked for, and followed, at first. */
const WINDOW = 256 << 10

export async function scanBam(chunk: Chunk): Promise<Part> {
  const [start, end] = chunk.range
  if (start === 0) return scanFirst(chunk)
  if (end - start < SHORT) {
    const pieces: Uint8Array[] = []
    for await (const piece of chunk.stream()) pieces.push(piece.slice())
    return { start, end, bytes: concat(pieces) }
  }
  const seen = new Window(Math.min(WINDOW, end - start))
  let enough = WINDOW
  let walks: readonly RecordWalk[] = []
  let head = new Uint8Array(0)
  const tail = new Tail()
  let position = start
  for await (const piece of chunk.stream()) {
    if (head.length < FIXED) head = concat([head, piece.subarray(0, FIXED - head.length)])
    tail.push(piece)
    position += piece.length
    if (walks.length > 0) {
      for (const walk of walks) walk.push(piece, position - piece.length)
      continue
    }
    seen.push(piece)
    if (seen.length < enough && position < end) continue
    enough = seen.length * 4
    walks = findRecords(seen.bytes()).map((first) => new RecordWalk(start + first))
    if (walks.length === 0) continue
    for (const walk of walks) walk.push(seen.bytes(), start)
    seen.drop()
  }
  return { start, end, head, tail: tail.bytes(), walks: encodeWalks(walks) }
}

/** The first chunk has the header, or reads on until it has. */
async function scanFirst(chunk: Chunk): Promise<Part> {
  const { source, range } = chunk
  const [start, end] = range
  const header = new BamHeaderReader(source.uri)
  let walk: RecordWalk | undefined
  let position = 0
  for await (const piece of chunk.stream()) {
    header.push(piece)
    if (header.done) {
      walk ??= new RecordWalk(header.finish().length)
      walk.push(piece, position)
    }
    position += piece.length
  }
  let step = WINDOW
  while (!header.done && position < source.size) {
    const next = Math.min(position + step, source.size)
    header.push(await source.bytes([position, next]))
    position = next
    step = Math.min(step * 4, 16 << 20)
  }
  const bytes = header.finish()
  walk ??= new RecordWalk(bytes.length)
  const found = await findBinningIndex(chunk, ['.csi', '.bai'])
  return {
    start,
    end,
    header: bytes,
    walks: encodeWalks([walk]),
    ...(found ? { binning: found.bytes, binningName: found.name } : {}),
  }
}

/** Bytes from the start of a stream on. */
class Window {
  #bytes: Uint8Array<ArrayBuffer>
  length = 0

  constructor(size: number) {
    this.#bytes = new Uint8Array(size)
  }

  push(piece: Uint8Array): void {
    this.#bytes = withRoom(this.#bytes, this.length, this.length + piece.length)
    this.#bytes.set(piece, this.length)
    this.length += piece.length
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  drop(): void {
    this.#bytes = new Uint8Array(0)
    this.length = 0
  }
}

/** The last bytes of a stream, as many as the start of a record may take. */
class Tail {
  #bytes = new Uint8Array(0)

  push(piece: Uint8Array): void {
    const joined = piece.length >= LONGEST_START ? piece : concat([this.#bytes, piece])
    this.#bytes = Uint8Array.from(joined.subarray(Math.max(0, joined.length - LONGEST_START)))
  }

  bytes(): Uint8Array {
    return this.#bytes
  }
}

/**
 * The places in `bytes` from which records follow one another to the end, but for those that such a place leads to.
 * The last is the first one that leads to many, if any does.
 */
function findRecords(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: number[] = []
  const passed = new Set<number>()
  for (let at = 0; at + LONGEST_START <= bytes.length && found.length < MOST_WALKS; at++) {
    if (passed.has(at)) continue
    const records = recordsFrom(view, at)
    if (!records) continue
    found.push(at)
    if (records.length === CONVINCING) break
    for (const start of records) passed.add(start)
  }
  return found
}

/** Places that are no records have not been seen to lead to as many. */
const CONVINCING = 16
/** Each place that is no record and looks like one costs a walk. */
const MOST_WALKS = 16

/** Where records start from `start` on, `CONVINCING` at most; undefined when they lead to what can be none. */
function recordsFrom(view: DataView, start: number): number[] | undefined {
  const starts: number[] = []
  for (let at = start; at + FIXED <= view.byteLength && starts.length < CONVINCING; ) {
    const length = checkedLength(view, at)
    if (length === undefined) return undefined
    if (at + LONGEST_START <= view.byteLength && !isLikely(view, at)) return undefined
    starts.push(at)
    at += length
  }
  return starts
}

/** Each walk as f64s: records, next, fault or -1, how many of open, entries and starts there are, and these. */
function encodeWalks(walks: readonly WalkFacts[]): Uint8Array {
  const numbers = walks.flatMap(({ records, next, fault = -1, open, entries, starts }) => [
    records,
    next,
    fault,
    open.length,
    entries.length * 2,
    starts.length,
    ...open,
    ...entries.flat(),
    ...starts,
  ])
  return new Uint8Array(Float64Array.from(numbers).buffer)
}

function decodeWalks(bytes: Uint8Array): WalkFacts[] {
  // Aligned by copying.
  const numbers = new Float64Array(bytes.slice().buffer)
  let at = 0
  const take = (count: number) => {
    at += count
    return numbers.subarray(at - count, at)
  }
  const walks: WalkFacts[] = []
  while (at < numbers.length) {
    const [records = 0, next = 0, fault = -1, opened = 0, entered = 0, started = 0] = take(6)
    const open = Uint8Array.from(take(opened))
    const flat = take(entered)
    const entries = Array.from({ length: entered / 2 }, (_, i) => {
      return [flat[i * 2] as number, flat[i * 2 + 1] as number] as const
    })
    const starts = [...take(started)]
    walks.push({ records, next, open, fault: fault === -1 ? undefined : fault, entries, starts })
  }
  return walks
}

interface BamPart {
  readonly start: number
  readonly end: number
  /** Of a short chunk; the others have the rest. */
  readonly bytes?: Uint8Array
  readonly head?: Uint8Array
  readonly tail?: Uint8Array
  readonly walks?: Uint8Array
}

/**
 * Joins the walks of all parts to that of the whole object.
 *
 * @param headerLength where the first record starts
 * @throws MALFORMED_DATA when a record is none or is cut off, or is not among those that a part followed
 */
export function followRecords(
  parts: readonly Part[],
  headerLength: number,
  { uri, size }: MergeContext,
): Pick<WalkFacts, 'records' | 'entries'> {
  const walk = new RecordWalk(headerLength)
  const malformed = (what: string, offset: number) =>
    new DataplugError('MALFORMED_DATA', `${uri} ${what}`, { uri, offset })
  for (const part of parts as unknown as readonly BamPart[]) {
    const { start, end, bytes, head, tail, walks } = part
    if (bytes) walk.push(bytes, start)
    // The rest of a record's start that the part before has not.
    else if (head && walk.open.length > 0) walk.push(head, start)
    const isOpen = !bytes && walk.fault === undefined && walk.next < end
    if (isOpen && !(walks && decodeWalks(walks).some((own) => walk.join(own)))) {
      if (!tail || walk.next < end - tail.length) {
        throw malformed(
          `cannot be followed from record ${walk.records + 1}, at byte ${walk.next} of its content, into bytes ` +
            `${start}-${end}: it is damaged there, or a record has others inside it. Preprocess it with a chunkSize of ` +
            `its whole content, ${size}, to learn which`,
          walk.next,
        )
      }
      walk.push(tail, end - tail.length)
    }
    if (walk.fault !== undefined) break
  }
  const { fault, next, records, entries } = walk
  if (fault !== undefined) {
    throw malformed(
      `has no record where its record ${records + 1} should be, at byte ${fault} of its content`,
      fault,
    )
  }
  if (next !== size) {
    const what = walk.open.length > 0 ? records + 1 : records
    throw malformed(`ends within its record ${what}, after ${size} bytes of content`, size)
  }
  return { records, entries }
}
