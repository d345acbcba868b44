import { withRoom } from '../../bytes.js'
import { DataplugError } from '../../errors.js'
import { LONGEST_HEADER } from '../shared/repeated-header.js'

// The header of a BAM (SAM specification, 4.2): "BAM\1", i32 length, text, i32 number of references, and for each
// i32 length of its name, name and NUL, i32 bases. Little-endian.

export type BamReference = {
  readonly name: string
  /** Bases. */
  readonly length: number
}

export interface BamHeader {
  /** The header lines of SAM, `@HD` and so on. */
  readonly text: string
  readonly references: readonly BamReference[]
}

const MAGIC = 0x014d4142

/** Collects the header piece by piece. */
export class BamHeaderReader {
  #bytes = new Uint8Array(1 << 14)
  #length = 0
  /** Bytes that are needed to go on, and how many references are still to come; undefined before their number is known. */
  #needed = 8
  #references: number | undefined
  #done = false
  readonly #uri: string

  constructor(uri: string) {
    this.#uri = uri
  }

  get done(): boolean {
    return this.#done
  }

  /** Takes the next bytes; what follows the header is ignored. @throws MALFORMED_DATA when they are no header */
  push(piece: Uint8Array): void {
    if (this.#done) return
    this.#append(piece)
    while (!this.#done && this.#length >= this.#needed) this.#step()
    if (this.#needed > LONGEST_HEADER)
      throw this.#malformed(`has a header of more than ${LONGEST_HEADER} bytes`)
  }

  /** The header's bytes. To be called when it is done, or when the object has ended. */
  finish(): Uint8Array {
    if (!this.#done) {
      if (this.#length >= 2) this.#checkMagic()
      throw this.#malformed(`ends within its header, after ${this.#length} bytes`)
    }
    return this.#bytes.slice(0, this.#needed)
  }

  #append(piece: Uint8Array): void {
    this.#bytes = withRoom(this.#bytes, this.#length, this.#length + piece.length)
    this.#bytes.set(piece, this.#length)
    this.#length += piece.length
  }

  /** Looks at the four bytes before `needed`, which are a count, and says what is needed next. */
  #step(): void {
    const at = this.#needed
    const view = new DataView(this.#bytes.buffer)
    if (at === 8 && this.#references === undefined) this.#checkMagic()
    if (this.#references === undefined) {
      if (this.#phase === 'text') {
        this.#phase = 'count'
        this.#needed = at + this.#count(view, at) + 4
      } else {
        this.#references = this.#count(view, at)
        this.#next(at)
      }
      return
    }
    if (this.#phase === 'name') {
      this.#phase = 'length'
      this.#needed = at + this.#count(view, at) + 4
    } else {
      this.#references--
      this.#next(at)
    }
  }

  #phase: 'text' | 'count' | 'name' | 'length' = 'text'

  #next(at: number): void {
    this.#done = this.#references === 0
    this.#phase = 'name'
    this.#needed = this.#done ? at : at + 4
  }

  #count(view: DataView, at: number): number {
    const value = view.getInt32(at - 4, true)
    if (value < 0) throw this.#malformed(`has a negative length in its header (byte ${at - 4})`, at - 4)
    return value
  }

  #checkMagic(): void {
    const view = new DataView(this.#bytes.buffer)
    if (this.#length >= 4 && view.getUint32(0, true) === MAGIC) return
    const zipped = view.getUint16(0) === 0x1f8b
    throw this.#malformed(
      zipped
        ? 'was compressed twice: its content is not a BAM but a compressed file. Decompress it once'
        : 'is no BAM: its content does not start with "BAM\\1"',
    )
  }

  #malformed(what: string, offset = 0): DataplugError {
    return new DataplugError('MALFORMED_DATA', `${this.#uri} ${what}`, { uri: this.#uri, offset })
  }
}

/** The facts of a header, which `BamHeaderReader` has read. */
export function parseBamHeader(bytes: Uint8Array): BamHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoder = new TextDecoder()
  const textLength = view.getInt32(4, true)
  // The text may be padded with NUL.
  const text = decoder.decode(bytes.subarray(8, 8 + textLength)).replace(/\0+$/, '')
  let at = 8 + textLength
  const count = view.getInt32(at, true)
  at += 4
  const references = Array.from({ length: count }, (): BamReference => {
    const nameLength = view.getInt32(at, true)
    const name = decoder.decode(bytes.subarray(at + 4, at + 4 + nameLength)).replace(/\0.*$/s, '')
    at += 8 + nameLength
    return { name, length: view.getUint32(at - 4, true) }
  })
  return { text, references }
}
