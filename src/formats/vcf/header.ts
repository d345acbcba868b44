import { withRoom } from '../../bytes.js'
import { DataplugError } from '../../errors.js'
import { LONGEST_HEADER } from '../shared/repeated-header.js'

// The header of a VCF (VCF specification 4.3, 1.2 to 1.5): the lines up to the one that starts with #CHROM.

/** A structured line `##KEY=<ID=…,…>` as its members in order, any other as the text after `=`. */
export type VcfMeta = string | { readonly [key: string]: string }

export type VcfContig = {
  readonly id: string
  /** Bases, when the header says so. */
  readonly length?: number
}

export interface VcfHeader {
  /** Names of all columns, `CHROM` first, samples last. */
  readonly columns: readonly string[]
  /** `##` lines by key: a text where one line has the key and is not structured, else an array. */
  readonly vcfAttributes: { readonly [key: string]: string | readonly VcfMeta[] }
  readonly samples: readonly string[]
  readonly contigs: readonly VcfContig[]
}

const HASH = 0x23
const NEWLINE = 10
const BOM = [0xef, 0xbb, 0xbf] as const

/** Collects a header piece by piece. */
export class HeaderReader {
  #bytes = new Uint8Array(1 << 14)
  #length = 0
  /** Where the line that is looked at starts, and how far it was looked for its end. */
  #line = 0
  #seen = 0
  #lines = 0
  #done = false
  readonly #uri: string

  constructor(uri: string) {
    this.#uri = uri
  }

  get done(): boolean {
    return this.#done
  }

  /** Lines of the header, once it is complete. */
  get lines(): number {
    return this.#lines
  }

  /** Takes the next bytes; what follows the header is ignored. @throws MALFORMED_DATA when they are no header */
  push(piece: Uint8Array): void {
    if (this.#done) return
    this.#append(piece)
    for (;;) {
      const end = this.#bytes.subarray(0, this.#length).indexOf(NEWLINE, this.#seen)
      if (end === -1) break
      this.#endLine(end + 1)
      if (this.#done) return
    }
    this.#seen = this.#length
    // Before a first line that never ends fills the memory.
    if (this.#length >= this.#start() + BOM.length && this.#bytes[this.#start()] !== HASH)
      throw this.#noHeader()
    if (this.#length > LONGEST_HEADER) {
      throw this.#malformed(`has a header of more than ${LONGEST_HEADER} bytes`, this.#line)
    }
  }

  /** The header's bytes. To be called when it is done, or when the object has ended. */
  finish(): Uint8Array {
    if (!this.#done && this.#length > this.#line) this.#endLine(this.#length)
    if (!this.#done) throw this.#malformed('ends before a line that starts with #CHROM', this.#length)
    return this.#bytes.slice(0, this.#line)
  }

  #append(piece: Uint8Array): void {
    this.#bytes = withRoom(this.#bytes, this.#length, this.#length + piece.length)
    this.#bytes.set(piece, this.#length)
    this.#length += piece.length
  }

  /** Where the text of the line starts: after a byte order mark. */
  #start(): number {
    return this.#line === 0 && BOM.every((byte, i) => this.#bytes[i] === byte) ? BOM.length : this.#line
  }

  #endLine(end: number): void {
    const start = this.#start()
    if (this.#bytes[start] !== HASH) throw this.#noHeader()
    const isLast = this.#bytes[start + 1] !== HASH
    const text = isLast
      ? new TextDecoder().decode(this.#bytes.subarray(start, Math.min(end, start + 200)))
      : ''
    if (isLast && !/^#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO[\t\r\n]?/.test(text)) {
      throw this.#malformed(
        'has a header that does not end with a line of the columns #CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO',
        start,
      )
    }
    this.#lines++
    this.#line = end
    this.#seen = end
    this.#done = isLast
  }

  #noHeader(): DataplugError {
    return this.#malformed(
      `is no VCF: line ${this.#lines + 1} comes before #CHROM and does not start with #`,
      this.#line,
    )
  }

  #malformed(what: string, offset: number): DataplugError {
    return new DataplugError('MALFORMED_DATA', `${this.#uri} ${what} (byte ${offset})`, {
      uri: this.#uri,
      offset,
    })
  }
}

/** The facts of a header, which `HeaderReader` has checked. Bytes that are not UTF-8 become U+FFFD. */
export function parseHeader(header: Uint8Array): VcfHeader {
  const lines = new TextDecoder().decode(header).split(/\r?\n/)
  const meta = new Map<string, VcfMeta[]>()
  let columns: readonly string[] = []
  for (const line of lines) {
    if (!line.startsWith('##')) {
      if (line.startsWith('#')) columns = line.slice(1).split('\t')
      continue
    }
    const equals = line.indexOf('=')
    if (equals === -1) continue
    const key = line.slice(2, equals)
    const value = line.slice(equals + 1)
    const values = meta.get(key)
    const parsed = parseStructured(value) ?? value
    if (values) values.push(parsed)
    else meta.set(key, [parsed])
  }
  const contigs = (meta.get('contig') ?? []).flatMap((contig): VcfContig[] => {
    if (typeof contig === 'string' || contig.ID === undefined) return []
    const length = Number(contig.length)
    return [Number.isSafeInteger(length) && length > 0 ? { id: contig.ID, length } : { id: contig.ID }]
  })
  const vcfAttributes = Object.fromEntries(
    [...meta].map(([key, values]) => {
      const [first] = values
      return [key, values.length === 1 && typeof first === 'string' ? first : values]
    }),
  )
  return { columns, vcfAttributes, samples: columns.slice(9), contigs }
}

/** The members of `<KEY=value,KEY="quoted, with \" in it",…>`; undefined when it is not that. */
function parseStructured(value: string): { readonly [key: string]: string } | undefined {
  if (!value.startsWith('<') || !value.endsWith('>')) return undefined
  const members: [string, string][] = []
  const member = /([^=,<>"]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^,"]*)(?:,|$)/y
  const text = value.slice(1, -1)
  while (member.lastIndex < text.length) {
    const found = member.exec(text)
    if (!found) return undefined
    const [, key = '', raw = ''] = found
    members.push([key.trim(), raw.startsWith('"') ? raw.slice(1, -1).replace(/\\(["\\])/g, '$1') : raw])
  }
  return members.length === 0 ? undefined : Object.fromEntries(members)
}
