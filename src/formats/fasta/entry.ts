import { withRoom } from '../../bytes.js'
import { DataplugError } from '../../errors.js'

// One sequence in the section `fasta-entries` of docs/index-format.md.

/** Where a sequence lies and how its lines are cut. Offsets are of the object; of its content, when compressed. */
export interface FastaEntry {
  /** Of the `>`. */
  readonly start: number
  /** After the header's line feed. */
  readonly sequence: number
  /** Where the next header starts, or the object's end. */
  readonly end: number
  readonly residues: number
  /** Residues in the first line, and its bytes with its terminator: LINEBASES and LINEWIDTH of `.fai`. */
  readonly lineBases: number
  readonly lineWidth: number
  /** A line is longer than the first, or follows a shorter or blank one: no `.fai` can describe it. */
  readonly fault: boolean
  /** Lines of equal width differ in residues, or hold other bytes than residues: no offset can be computed. */
  readonly mixed: boolean
}

/** Whether the offset of each residue can be computed. */
export function isRegular({ fault, mixed }: FastaEntry): boolean {
  return !fault && !mixed
}

/** Bytes that the lines take when all end alike and nothing follows them. */
function usualBody(residues: number, bases: number, width: number): number {
  if (bases === 0) return 0
  return residues + (width - bases) * Math.ceil(residues / bases)
}

const FAULT = 1
const MIXED = 2
const UNUSUAL_BODY = 4
const ONE_LINE = 8

/** Bytes that are appended to; grows as needed. */
export class ByteWriter {
  #bytes = new Uint8Array(1024)
  length = 0

  varint(value: number): void {
    this.#reserve(8)
    let rest = value
    // Shifts work on 32 bits, lengths may have 53.
    while (rest >= 0x10000000) {
      this.#bytes[this.length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.length++] = rest
  }

  /** Appends `bytes[from, to)`. */
  append(bytes: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    // Names are short: a loop costs less than a view of each.
    if (to - from < 64) for (let i = from; i < to; i++) this.#bytes[this.length++] = bytes[i] as number
    else {
      this.#bytes.set(bytes.subarray(from, to), this.length)
      this.length += to - from
    }
  }

  /** A view of `[from, to)`, valid for good when nothing is appended any more. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to)
  }

  #reserve(more: number): void {
    this.#bytes = withRoom(this.#bytes, this.length, this.length + more)
  }
}

/** Reads what `ByteWriter` wrote. */
export class ByteReader {
  at = 0
  readonly bytes: Uint8Array
  readonly #uri: string

  constructor(bytes: Uint8Array, uri: string) {
    this.bytes = bytes
    this.#uri = uri
  }

  get done(): boolean {
    return this.at >= this.bytes.length
  }

  /** @throws INVALID_INDEX when the bytes end, or the number is none that was written */
  varint(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.bytes[this.at++]
      if (byte === undefined || factor > 2 ** 49) throw damagedFasta(this.#uri)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
  }

  /** Where the next `length` bytes start. @throws INVALID_INDEX when there are fewer */
  skip(length: number): number {
    const from = this.at
    this.at += length
    if (this.at > this.bytes.length) throw damagedFasta(this.#uri)
    return from
  }
}

/** Appends an entry, without its offset. */
export function writeEntry(out: ByteWriter, entry: FastaEntry): void {
  const { start, sequence, end, residues, lineBases, lineWidth } = entry
  const body = end - sequence
  const usual = body === usualBody(residues, lineBases, lineWidth)
  const oneLine = residues > 0 && lineBases === residues
  out.varint(sequence - start)
  out.varint(residues)
  out.varint(
    // What else is wrong with a faulty sequence depends on where a task begins to look.
    (entry.fault ? FAULT : entry.mixed ? MIXED : 0) | (usual ? 0 : UNUSUAL_BODY) | (oneLine ? ONE_LINE : 0),
  )
  if (!oneLine) out.varint(lineBases)
  out.varint(lineWidth - lineBases)
  if (!usual) out.varint(body)
}

/** The next entry, which starts at `start`. @throws INVALID_INDEX */
export function readEntry(from: ByteReader, start: number): FastaEntry {
  const sequence = start + from.varint()
  const residues = from.varint()
  const flags = from.varint()
  const lineBases = (flags & ONE_LINE) !== 0 ? residues : from.varint()
  const lineWidth = lineBases + from.varint()
  const body = (flags & UNUSUAL_BODY) !== 0 ? from.varint() : usualBody(residues, lineBases, lineWidth)
  return {
    start,
    sequence,
    end: sequence + body,
    residues,
    lineBases,
    lineWidth,
    fault: (flags & FAULT) !== 0,
    mixed: (flags & MIXED) !== 0,
  }
}

export function damagedFasta(uri: string): DataplugError {
  return new DataplugError(
    'INVALID_INDEX',
    `the sequence index of ${uri} contradicts itself; preprocess it again`,
    { uri },
  )
}
