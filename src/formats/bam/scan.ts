import { concat, withRoom } from '../../bytes.js'
import { DataplugError } from '../../errors.js'
import type { Chunk, MergeContext, Part } from '../format.js'
import { findBinningIndex } from '../shared/binning-index-file.js'
import { BamHeaderReader } from './header.js'
import { checkedLength, FIXED, isLikely } from './record.js'
import { RecordWalk, type WalkFacts } from './walk.js'

// A chunk of a BAM does not know where its first record starts. It takes the first place from which lengths lead to
// places that can be records. `followRecords` checks that the records before end there, or at one that was led to:
// what looked like a record inside another ends with it. So a wrong guess is found out, and never changes a result.

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
  let walk: RecordWalk | undefined
  let head = new Uint8Array(0)
  const tail = new Tail()
  let position = start
  for await (const piece of chunk.stream()) {
    if (head.length < FIXED) head = concat([head, piece.subarray(0, FIXED - head.length)])
    tail.push(piece)
    position += piece.length
    if (walk) {
      walk.push(piece, position - piece.length)
      continue
    }
    seen.push(piece)
    if (seen.length < enough && position < end) continue
    enough = seen.length * 4
    const first = findRecord(seen.bytes())
    if (first === undefined) continue
    walk = new RecordWalk(start + first)
    walk.push(seen.bytes(), start)
    seen.drop()
  }
  return { start, end, head, tail: tail.bytes(), ...(walk ? encodeWalk(walk) : {}) }
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
    ...encodeWalk(walk),
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
 * The first place in `bytes` from which records follow one another to the end, or so many of them that what comes
 * after is damaged. Undefined when there is none.
 */
function findRecord(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + LONGEST_START <= bytes.length; at++) {
    if (startsRecords(view, at)) return at
  }
  return undefined
}

/** Places that are no records have not been seen to lead to as many. */
const CONVINCING = 16

function startsRecords(view: DataView, start: number): boolean {
  let records = 0
  for (let at = start; at + FIXED <= view.byteLength && records < CONVINCING; records++) {
    const length = checkedLength(view, at)
    if (length === undefined) return false
    if (at + LONGEST_START <= view.byteLength && !isLikely(view, at)) return false
    at += length
  }
  return true
}

function encodeWalk({ records, next, open, fault, entries, starts }: WalkFacts): Part {
  return {
    records,
    next,
    open: open.slice(),
    entries: bytesOf(entries.flat()),
    starts: bytesOf(starts),
    ...(fault === undefined ? {} : { fault }),
  }
}

function bytesOf(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(numbers).buffer)
}

function numbersOf(bytes: Uint8Array): number[] {
  // Aligned by copying.
  return [...new Float64Array(bytes.slice().buffer)]
}

interface BamPart {
  readonly start: number
  readonly end: number
  readonly bytes?: Uint8Array
  readonly head?: Uint8Array
  readonly tail?: Uint8Array
  readonly records?: number
  readonly next?: number
  readonly open?: Uint8Array
  readonly entries?: Uint8Array
  readonly starts?: Uint8Array
  readonly fault?: number
}

function decodeWalk({ records, next, open, entries, starts, fault }: BamPart): WalkFacts | undefined {
  if (records === undefined || next === undefined || !open || !entries || !starts) return undefined
  const numbers = numbersOf(entries)
  const pairs = Array.from({ length: numbers.length / 2 }, (_, i) => {
    return [numbers[i * 2] as number, numbers[i * 2 + 1] as number] as const
  })
  return { records, next, open, fault, entries: pairs, starts: numbersOf(starts) }
}

/**
 * Joins the walks of all parts to that of the whole object.
 *
 * @param headerLength where the first record starts
 * @throws MALFORMED_DATA when a record is none or is cut off, or a part took something else for its first record
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
    const { start, end, bytes, head, tail } = part
    if (bytes) walk.push(bytes, start)
    // The rest of a record's start that the part before has not.
    else if (head && walk.open.length > 0) walk.push(head, start)
    const own = decodeWalk(part)
    if (!bytes && walk.fault === undefined && walk.next < end) {
      if (own ? !walk.join(own) : !tail || walk.next < end - tail.length) {
        throw malformed(
          `cannot be followed from record ${walk.records + 1}, at byte ${walk.next} of its content, into bytes ` +
            `${start}-${end}: it is damaged there, or a record has others inside it. Preprocess it with a chunkSize of ` +
            `its whole content, ${size}, to learn which`,
          walk.next,
        )
      }
      if (!own && tail) walk.push(tail, end - tail.length)
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
