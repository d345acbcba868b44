import { type GzipHeader, type GzipHeaderParser, gzipHeaderParser, shortHeader } from './gzip-header.js'
import { BLOCK_START, malformed, NEED_INPUT, STREAM_END } from './inflate-status.js'
import { createInflater, type Inflater } from './inflater.js'
import type { CoreMemory } from './memory.js'

/** What happens in a gzip stream, in order. */
export type GzipStep =
  /** A header was read; blocks follow. */
  | { readonly kind: 'member'; readonly header: GzipHeader }
  /** A piece of output lies between `inflater.pieceStart` and `pieceEnd`, until the next step is asked for. */
  | { readonly kind: 'piece' }
  /** A block starts here, and `stops` asked to be told. */
  | { readonly kind: 'block' }
  /** A member ends before byte `end` of the object; its trailer (RFC 1952, 2.3.1) says so much of its data. */
  | { readonly kind: 'end'; readonly crc: number; readonly size: number; readonly end: number }

/** Which block starts are steps of their own. Read before each piece, so it may change between steps. */
export interface Stops {
  /** Any block start when the output since the last step has at least so many symbols. */
  minimum: number
  /** A block start at or after this bit of the object, if a search without context would find it. */
  bit: number
}

export interface GzipStart {
  /** Name of the object, for messages. */
  readonly name?: string | undefined
  /** Offset in the object of the first byte pushed; a member starts there, unless `bit` is given. */
  readonly offset?: number | undefined
  /** Start at a block inside a member: bit offset in the object, within the first byte pushed. */
  readonly bit?: number | undefined
  /** With `bit`: the up to 32 KiB before it, or 'unknown' to decode to 16-bit symbols. */
  readonly window?: Uint8Array | 'unknown' | undefined
}

export interface GzipDecoder {
  readonly inflater: Inflater
  readonly stops: Stops
  /** Whether more of the current member's data is to come. */
  readonly inData: boolean
  /** Steps through the next bytes of the object. Run it to its end before the next push. */
  push(bytes: Uint8Array): Generator<GzipStep, void, undefined>
  /** @throws MALFORMED_DATA when the object must not end here */
  finish(): void
}

const TRAILER = 8

/**
 * Decodes gzip members one after the other (RFC 1952): any number, empty ones too, then any number of
 * zero bytes. Checks everything but the trailers' CRC and size, which `gunzip` checks.
 *
 * @throws MALFORMED_DATA (from push and finish) with the offset, on anything else
 */
export function createGzipDecoder(memory: CoreMemory, start: GzipStart = {}): GzipDecoder {
  const name = start.name ?? 'the object'
  const inflater = createInflater(memory, name)
  const stops: Stops = { minimum: Number.MAX_SAFE_INTEGER, bit: Number.MAX_SAFE_INTEGER }
  const trailer = new Uint8Array(TRAILER)
  let trailerBytes = 0
  /** Offset in the object of the next byte that `push` will look at. */
  let offset = start.bit === undefined ? (start.offset ?? 0) : Math.floor(start.bit / 8)
  /** Of the header that is being read, while it may be of any kind. */
  let parser: GzipHeaderParser | undefined
  let phase: 'header' | 'body' | 'trailer' | 'between' | 'padding' = 'header'
  if (start.bit !== undefined) {
    phase = 'body'
    inflater.start(start.bit, start.window ?? new Uint8Array(0))
  } else inflater.start(offset * 8, new Uint8Array(0))

  function* push(bytes: Uint8Array): Generator<GzipStep, void, undefined> {
    const base = offset
    let at = 0
    while (at < bytes.length) {
      switch (phase) {
        case 'header': {
          const short = parser ? undefined : shortHeader(bytes, at, offset)
          let header = short?.header
          if (short) at = short.end
          else {
            parser ??= gzipHeaderParser(offset, name)
            at = parser.push(bytes, at)
            header = parser.header
          }
          offset = base + at
          if (header === undefined) break
          parser = undefined
          phase = 'body'
          inflater.next(offset)
          yield { kind: 'member', header }
          break
        }
        case 'body':
          at = yield* body(bytes, base)
          offset = base + at
          break
        case 'trailer': {
          const taken = bytes.subarray(at, at + TRAILER - trailerBytes)
          trailer.set(taken, trailerBytes)
          trailerBytes += taken.length
          at += taken.length
          offset = base + at
          if (trailerBytes < TRAILER) break
          trailerBytes = 0
          phase = 'between'
          const view = new DataView(trailer.buffer)
          yield { kind: 'end', crc: view.getUint32(0, true), size: view.getUint32(4, true), end: offset }
          break
        }
        case 'between':
          phase = bytes[at] === 0 ? 'padding' : 'header'
          break
        case 'padding': {
          const end = at
          while (at < bytes.length && bytes[at] === 0) at++
          offset += at - end
          if (at < bytes.length)
            throw malformed(`${name} has data after its padding at byte ${offset}`, offset)
        }
      }
    }
  }

  /** Decodes on to the end of the member's data, or of `bytes`; returns where that is. */
  function* body(bytes: Uint8Array, base: number): Generator<GzipStep, number, undefined> {
    // After a header the kernel may hold the bytes that follow already: small members are not copied twice.
    let given = inflater.inputEnd - base
    for (;;) {
      const status = inflater.run(stops.minimum, stops.bit)
      if (status === STREAM_END) phase = 'trailer'
      if (inflater.pieceEnd > inflater.pieceStart) yield { kind: 'piece' }
      if (status === BLOCK_START) yield { kind: 'block' }
      if (status === STREAM_END) return inflater.bit / 8 - base
      if (status === NEED_INPUT) {
        if (given === bytes.length) return given
        given = inflater.input(bytes, given, base + given)
      }
    }
  }

  function finish(): void {
    if (phase === 'between' || phase === 'padding') return
    throw malformed(`${name} ends at byte ${offset}, inside a gzip member`, offset)
  }

  return {
    inflater,
    stops,
    get inData() {
      return phase === 'body'
    },
    push,
    finish,
  }
}
