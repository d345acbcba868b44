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

/** Made once: there is one for each 64 KiB of content. */
const PIECE: GzipStep = { kind: 'piece' }
const BLOCK: GzipStep = { kind: 'block' }

/**
 * Decodes gzip members one after the other (RFC 1952): any number, empty ones too, then any number of
 * zero bytes. Checks everything but the trailers' CRC and size, which `gunzip` checks.
 *
 * @throws MALFORMED_DATA (from push and finish) with the offset, on anything else
 */
export function createGzipDecoder(memory: CoreMemory, start: GzipStart = {}): GzipDecoder {
  return new MemberDecoder(memory, start)
}

/** A class, as the inflater is. */
class MemberDecoder implements GzipDecoder {
  readonly inflater: Inflater
  readonly stops: Stops = { minimum: Number.MAX_SAFE_INTEGER, bit: Number.MAX_SAFE_INTEGER }
  readonly #name: string
  readonly #trailer = new Uint8Array(TRAILER)
  #trailerBytes = 0
  /** Offset in the object of the next byte that `push` will look at. */
  #offset: number
  /** Of the header that is being read, while it may be of any kind. */
  #parser: GzipHeaderParser | undefined
  #phase: 'header' | 'body' | 'trailer' | 'between' | 'padding'

  constructor(memory: CoreMemory, { name = 'the object', offset = 0, bit, window }: GzipStart) {
    this.#name = name
    this.inflater = createInflater(memory, name)
    this.#offset = bit === undefined ? offset : Math.floor(bit / 8)
    this.#phase = bit === undefined ? 'header' : 'body'
    if (bit === undefined) this.inflater.start(offset * 8, new Uint8Array(0))
    else this.inflater.start(bit, window ?? new Uint8Array(0))
  }

  get inData() {
    return this.#phase === 'body'
  }

  *push(bytes: Uint8Array): Generator<GzipStep, void, undefined> {
    const base = this.#offset
    let at = 0
    while (at < bytes.length) {
      switch (this.#phase) {
        case 'header': {
          const short = this.#parser ? undefined : shortHeader(bytes, at, this.#offset)
          let header = short?.header
          if (short) at = short.end
          else {
            this.#parser ??= gzipHeaderParser(this.#offset, this.#name)
            at = this.#parser.push(bytes, at)
            header = this.#parser.header
          }
          this.#offset = base + at
          if (header === undefined) break
          this.#parser = undefined
          this.#phase = 'body'
          this.inflater.next(this.#offset)
          yield { kind: 'member', header }
          break
        }
        case 'body':
          at = yield* this.#body(bytes, base)
          this.#offset = base + at
          break
        case 'trailer': {
          const taken = bytes.subarray(at, at + TRAILER - this.#trailerBytes)
          this.#trailer.set(taken, this.#trailerBytes)
          this.#trailerBytes += taken.length
          at += taken.length
          this.#offset = base + at
          if (this.#trailerBytes < TRAILER) break
          this.#trailerBytes = 0
          this.#phase = 'between'
          const view = new DataView(this.#trailer.buffer)
          const [crc, size] = [view.getUint32(0, true), view.getUint32(4, true)]
          yield { kind: 'end', crc, size, end: this.#offset }
          break
        }
        case 'between':
          this.#phase = bytes[at] === 0 ? 'padding' : 'header'
          break
        case 'padding': {
          const end = at
          while (at < bytes.length && bytes[at] === 0) at++
          this.#offset += at - end
          if (at < bytes.length) {
            throw malformed(`${this.#name} has data after its padding at byte ${this.#offset}`, this.#offset)
          }
        }
      }
    }
  }

  /** Decodes on to the end of the member's data, or of `bytes`; returns where that is. */
  *#body(bytes: Uint8Array, base: number): Generator<GzipStep, number, undefined> {
    const { inflater, stops } = this
    // After a header the kernel may hold the bytes that follow already: small members are not copied twice.
    let given = inflater.inputEnd - base
    for (;;) {
      const status = inflater.run(stops.minimum, stops.bit)
      if (status === STREAM_END) this.#phase = 'trailer'
      if (inflater.pieceEnd > inflater.pieceStart) yield PIECE
      if (status === BLOCK_START) yield BLOCK
      if (status === STREAM_END) return inflater.bit / 8 - base
      if (status === NEED_INPUT) {
        if (given === bytes.length) return given
        given = inflater.input(bytes, given, base + given)
      }
    }
  }

  finish(): void {
    if (this.#phase === 'between' || this.#phase === 'padding') return
    throw malformed(`${this.#name} ends at byte ${this.#offset}, inside a gzip member`, this.#offset)
  }
}
