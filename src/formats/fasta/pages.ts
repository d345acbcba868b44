import { ByteReader, ByteWriter, type FastaEntry, writeEntry } from './entry.js'

// Writes the sections `fasta-pages`, `fasta-entries` and `fasta-names` of docs/index-format.md. A page has the sequences
// whose headers start in the same MiB of the object, so that what one task wrote need not be written again.

/** Bytes of the object whose sequences make a page. */
export const PAGE_SIZE = 1 << 20
/** Bytes of `fasta-pages` for one page. */
export const DIRECTORY_ENTRY = 32

/** Sequences of a task, by pages. */
export type PagesPart = {
  /** Number, offset of the first header, sequences, bytes of entries and of names. */
  readonly pages: readonly (readonly [
    page: number,
    first: number,
    count: number,
    entries: number,
    names: number,
  ])[]
  readonly entries: Uint8Array
  readonly names: Uint8Array
  /** Name of the last sequence. */
  readonly lastName: Uint8Array
}

/** Appends a name, cut short by what it has in common with the one before. */
function writeName(out: ByteWriter, name: Uint8Array, before: Uint8Array | undefined): void {
  let common = 0
  if (before) {
    const most = Math.min(name.length, before.length)
    while (common < most && name[common] === before[common]) common++
  }
  out.varint(common)
  out.varint(name.length - common)
  out.append(name, common, name.length)
}

/** Collects the pages of one task. Sequences come in order; their names must stay as they are. */
export class PageCollector {
  readonly #entries = new ByteWriter()
  readonly #names = new ByteWriter()
  readonly #marks: { page: number; first: number; count: number; entries: number; names: number }[] = []
  #page = -1
  #lastName: Uint8Array | undefined
  #firstOfPage = 0
  #count = 0

  add(entry: FastaEntry, name: Uint8Array): void {
    const page = Math.floor(entry.start / PAGE_SIZE)
    if (page !== this.#page) {
      this.#close()
      this.#page = page
      this.#firstOfPage = entry.start
      // The first name of a page stands in full.
      this.#lastName = undefined
    }
    writeEntry(this.#entries, entry)
    writeName(this.#names, name, this.#lastName)
    this.#lastName = name
    this.#count++
  }

  /** What was collected, as members of a task's result; nothing may be added afterwards. */
  part(): PagesPart {
    this.#close()
    let [entriesAt, namesAt] = [0, 0]
    const pages = this.#marks.map(({ page, first, count, entries, names }): PagesPart['pages'][number] => {
      const lengths = [entries - entriesAt, names - namesAt] as const
      entriesAt = entries
      namesAt = names
      return [page, first, count, ...lengths]
    })
    return {
      pages,
      entries: this.#entries.view(0, entriesAt),
      names: this.#names.view(0, namesAt),
      lastName: this.#lastName ?? new Uint8Array(0),
    }
  }

  #close(): void {
    if (this.#count === 0) return
    this.#marks.push({
      page: this.#page,
      first: this.#firstOfPage,
      count: this.#count,
      entries: this.#entries.length,
      names: this.#names.length,
    })
    this.#count = 0
  }
}

/** Puts pages of several tasks together, and the sequences between them. */
export class PageJoiner {
  readonly #directory = new ByteWriter()
  readonly #entries: Uint8Array[] = []
  readonly #names: Uint8Array[] = []
  #entriesLength = 0
  #namesLength = 0
  #page = -1
  #lastName: Uint8Array | undefined
  count = 0

  add(entry: FastaEntry, name: Uint8Array): void {
    const entries = new ByteWriter()
    const names = new ByteWriter()
    this.#open(Math.floor(entry.start / PAGE_SIZE), entry.start)
    writeEntry(entries, entry)
    writeName(names, name, this.#lastName)
    this.#push(entries.view(0, entries.length), names.view(0, names.length), 1)
    this.#lastName = name
  }

  addPages({ pages, entries, names, lastName }: PagesPart, uri: string): void {
    let [entriesAt, namesAt] = [0, 0]
    for (const [page, first, count, entriesLength, namesLength] of pages) {
      this.#open(page, first)
      const ownNames = names.subarray(namesAt, namesAt + namesLength)
      this.#push(
        entries.subarray(entriesAt, entriesAt + entriesLength),
        this.#lastName ? joinNames(ownNames, this.#lastName, uri) : ownNames,
        count,
      )
      this.#lastName = lastName
      entriesAt += entriesLength
      namesAt += namesLength
    }
  }

  /** @param size bytes of the object */
  finish(size: number): { readonly [name: string]: Uint8Array | readonly Uint8Array[] } {
    this.#fill(Math.ceil(size / PAGE_SIZE) - 1, 0)
    return {
      'fasta-pages': this.#directory.view(0, this.#directory.length),
      'fasta-entries': this.#entries,
      'fasta-names': this.#names,
    }
  }

  #open(page: number, first: number): void {
    if (page === this.#page) return
    this.#fill(page - 1, 0)
    this.#fill(page, first)
    this.#lastName = undefined
  }

  /** Directory entries up to that of `page`. */
  #fill(page: number, first: number): void {
    const entry = new Uint8Array(DIRECTORY_ENTRY)
    const view = new DataView(entry.buffer)
    for (; this.#page < page; this.#page++) {
      const fields = [this.count, first, this.#entriesLength, this.#namesLength]
      for (const [i, field] of fields.entries()) view.setBigUint64(i * 8, BigInt(field), true)
      this.#directory.append(entry, 0, DIRECTORY_ENTRY)
    }
  }

  #push(entries: Uint8Array, names: Uint8Array, count: number): void {
    this.#entries.push(entries)
    this.#names.push(names)
    this.#entriesLength += entries.length
    this.#namesLength += names.length
    this.count += count
  }
}

/** Names of which the first stands in full, to follow `before`. */
function joinNames(names: Uint8Array, before: Uint8Array, uri: string): Uint8Array {
  const from = new ByteReader(names, uri)
  from.varint()
  const length = from.varint()
  const at = from.skip(length)
  const out = new ByteWriter()
  writeName(out, names.subarray(at, at + length), before)
  out.append(names, from.at, names.length)
  return out.view(0, out.length)
}
