import { withRoom } from '../../bytes.js'
import { rangeLength } from '../../range.js'
import { ByteReader, damagedFasta, type FastaEntry, readEntry } from './entry.js'
import { DIRECTORY_ENTRY } from './pages.js'

// Reads the sections `fasta-pages`, `fasta-entries` and `fasta-names` of docs/index-format.md.

/** What is needed of an index to read its sections. */
export interface Sections {
  readonly uri: string
  section(name: string, range?: readonly [start: number, end: number]): Promise<Uint8Array>
  sectionLength(name: string): number
}

/** The sequences of an object, by pages. */
export interface FastaTable {
  readonly pageCount: number
  /** Sequences before page `page`; those of all pages for `pageCount`. */
  sequencesBefore(page: number): number
  /** Entries of a page, in order. Pages near each other and in ascending order cost few requests. */
  entries(page: number): Promise<FastaEntry[]>
  /** Calls `use` with each sequence of a page and its name, which is valid only during the call. */
  named(page: number, use: (entry: FastaEntry, name: Uint8Array) => void): Promise<void>
}

/** @throws INVALID_INDEX when the index does not hold what it claims */
export async function openFastaTable(index: Sections, numSequences: number): Promise<FastaTable> {
  const directory = await index.section('fasta-pages')
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength)
  const pageCount = directory.length / DIRECTORY_ENTRY
  if (!Number.isInteger(pageCount)) throw damagedFasta(index.uri)
  const field = (page: number, i: number) => Number(view.getBigUint64(page * DIRECTORY_ENTRY + i * 8, true))
  const sequencesBefore = (page: number) => (page < pageCount ? field(page, 0) : numSequences)
  const runs = [2, 3].map((i) => {
    const section = i === 2 ? 'fasta-entries' : 'fasta-names'
    const offset = (page: number) => (page < pageCount ? field(page, i) : index.sectionLength(section))
    return runReader(index, section, (page) => [offset(page), offset(page + 1)])
  }) as [RunReader, RunReader]
  const count = (page: number) => sequencesBefore(page + 1) - sequencesBefore(page)

  function decode(page: number, bytes: Uint8Array, use: (entry: FastaEntry) => void): void {
    const from = new ByteReader(bytes, index.uri)
    let start = field(page, 1)
    for (let i = count(page); i > 0; i--) {
      const entry = readEntry(from, start)
      use(entry)
      start = entry.end
    }
    if (!from.done) throw damagedFasta(index.uri)
  }

  return {
    pageCount,
    sequencesBefore,
    async entries(page) {
      const entries: FastaEntry[] = []
      decode(page, await runs[0](page), (entry) => entries.push(entry))
      return entries
    },
    async named(page, use) {
      const [entries, names] = [await runs[0](page), await runs[1](page)]
      const from = new ByteReader(names, index.uri)
      let name = new Uint8Array(256)
      let length = 0
      decode(page, entries, (entry) => {
        const common = from.varint()
        const added = from.varint()
        const at = from.skip(added)
        if (common > length) throw damagedFasta(index.uri)
        length = common + added
        name = withRoom(name, common, length)
        name.set(names.subarray(at, at + added), common)
        use(entry, name.subarray(0, length))
      })
    },
  }
}

type RunReader = (page: number) => Promise<Uint8Array>

const RUN = 1 << 20

/** Reads pages of a section, at least `RUN` bytes at a time. */
function runReader(
  index: Sections,
  section: string,
  rangeOf: (page: number) => readonly [number, number],
): RunReader {
  let run: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) }
  return async (page) => {
    const range = rangeOf(page)
    const [start, end] = range
    if (start > end || end > index.sectionLength(section)) throw damagedFasta(index.uri)
    if (rangeLength(range) === 0) return new Uint8Array(0)
    if (start < run.start || end > run.start + run.bytes.length) {
      const stop = Math.min(Math.max(end, start + RUN), index.sectionLength(section))
      run = { start, bytes: await index.section(section, [start, stop]) }
    }
    return run.bytes.subarray(start - run.start, end - run.start)
  }
}
