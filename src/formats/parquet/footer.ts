import { concat } from '../../bytes.js'
import { DataplugError } from '../../errors.js'
import type { Range } from '../../range.js'
import type { Source } from '../format.js'
import {
  fieldOf,
  I64,
  integerOf,
  LIST,
  STRUCT,
  structOf,
  structsOf,
  type ThriftField,
  ThriftReader,
  type ThriftStruct,
  writeStruct,
} from './thrift.js'

// The end of a Parquet file: its metadata (`FileMetaData` of parquet.thrift), their length as u32, and the magic
// (https://parquet.apache.org/docs/file-format).

/** Where one row group is. Offsets are of the object. */
export interface RowGroupPlace {
  readonly rows: number
  /** From the first byte of its column chunks to the last. */
  readonly data: Range
  /** Its description in the footer. */
  readonly meta: Range
}

export interface Footer {
  /** All metadata but the row groups: what comes before them, and after. */
  readonly head: Range
  readonly tail: Range
  readonly groups: readonly RowGroupPlace[]
  readonly numRows: number
  /** The footer of a file with the same columns and no row groups, as `encodeFooter` gives it. */
  readonly empty: Uint8Array<ArrayBuffer>
}

const MAGIC = 'PAR1'
const ENCRYPTED = 'PARE'
/** Length and magic. */
const TRAILER = 8
/** What is read first of a file's end: the footer of most files. */
const FIRST_READ = 64 << 10

// Numbers of fields in parquet.thrift.
const FILE_ROWS = 3
const FILE_GROUPS = 4
const GROUP_COLUMNS = 1
const GROUP_ROWS = 3
const GROUP_OFFSET = 5
const GROUP_ORDINAL = 7
const CHUNK_FILE = 1
const CHUNK_OFFSET = 2
const CHUNK_META = 3
/** Offset and length of the offset index and the column index. */
const CHUNK_INDEXES = [4, 5, 6, 7]
const META_PATH = 3
const META_SIZE = 7
const META_DATA_PAGE = 9
const META_INDEX_PAGE = 10
const META_DICTIONARY_PAGE = 11
/** Offset and length of the Bloom filter. */
const META_BLOOM = [14, 15]

/**
 * Reads and checks the footer, by one request, and a second one when it is longer than 64 KiB.
 *
 * @throws MALFORMED_DATA when the object is no Parquet file, truncated, or contradicts itself; UNSUPPORTED when its
 * footer is encrypted
 */
export async function readFooter(main: Source): Promise<Footer> {
  const { uri, size } = main
  const malformed = (what: string, offset: number, cause?: unknown) =>
    new DataplugError('MALFORMED_DATA', `${uri} ${what}`, { uri, offset, cause })
  if (size < MAGIC.length + TRAILER) {
    throw malformed(`is no Parquet file: it has ${size} bytes`, 0)
  }
  const lastStart = Math.max(size - FIRST_READ, 0)
  const last = await main.bytes([lastStart, size])
  const magic = latin1(last.subarray(-MAGIC.length))
  if (magic === ENCRYPTED) {
    throw new DataplugError('UNSUPPORTED', `the footer of ${uri} is encrypted, and cannot be read`, { uri })
  }
  if (magic !== MAGIC) {
    const isTruncated = latin1(await main.bytes([0, MAGIC.length])) === MAGIC
    const what = isTruncated
      ? 'starts like a Parquet file, but has no footer at its end: it is truncated'
      : 'is no Parquet file: it does not end with PAR1'
    throw malformed(what, size - MAGIC.length)
  }
  const length = new DataView(last.buffer, last.byteOffset, last.byteLength).getUint32(
    last.length - TRAILER,
    true,
  )
  const end = size - TRAILER
  const start = end - length
  if (start < MAGIC.length) {
    throw malformed(`says that its footer has ${length} bytes, which it cannot have`, end)
  }
  const rest = start < lastStart ? await main.bytes([start, lastStart]) : new Uint8Array(0)
  const footer = concat([rest, last.subarray(Math.max(start - lastStart, 0), last.length - TRAILER)])
  try {
    return parseFooter(footer, start)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw malformed(`has a footer that cannot be read: ${cause.message}`, start, cause)
  }
}

function parseFooter(footer: Uint8Array, offset: number): Footer {
  const reader = new ThriftReader(footer)
  const groups: RowGroupPlace[] = []
  let head: Range | undefined
  let tailStart = 0
  let id = 0
  for (;;) {
    const start = reader.at
    const field = reader.field(id)
    if (!field) break
    id = field.id
    if (id !== FILE_GROUPS) {
      reader.value(field.type)
      continue
    }
    const list = field.type === LIST ? reader.list() : undefined
    if (head || !list || (list.type !== STRUCT && list.length > 0)) {
      throw new RangeError('its row groups are no list')
    }
    head = [offset, offset + start]
    for (let i = 0; i < list.length; i++) {
      const at = reader.at
      const group = reader.struct()
      groups.push({ ...placeOf(group, i, offset), meta: [offset + at, offset + reader.at] })
    }
    tailStart = reader.at
  }
  if (!head) throw new RangeError('it lists no row groups')
  const headBytes = footer.subarray(0, head[1] - offset)
  const tailBytes = footer.subarray(tailStart, reader.at)
  const all = metadataOf(headBytes, tailBytes, [])
  const numRows = integerOf(all, FILE_ROWS)
  const sum = groups.reduce((rows, group) => rows + group.rows, 0)
  // `metadataOf` puts in the number of rows of its groups.
  const claimed = integerOf([...fieldsOf(headBytes, 0), ...fieldsOf(tailBytes, FILE_GROUPS)], FILE_ROWS)
  if (numRows === undefined || claimed !== sum) {
    throw new RangeError(`it claims ${claimed} rows, and its row groups have ${sum}`)
  }
  const tail: Range = [offset + tailStart, offset + reader.at]
  return { head, tail, groups, numRows: sum, empty: encodeFooter(all) }
}

function placeOf(group: ThriftStruct, number: number, size: number): Omit<RowGroupPlace, 'meta'> {
  const rows = integerOf(group, GROUP_ROWS)
  const ranges = chunksOf(group).map(({ range }) => {
    if (range[0] < MAGIC.length || range[1] > size || range[0] > range[1]) {
      throw new RangeError(`row group ${number} has a column at bytes ${range.join('-')}, where none can be`)
    }
    return range
  })
  if (rows === undefined || rows < 0) throw new RangeError(`row group ${number} has no number of rows`)
  if (ranges.length === 0) return { rows, data: [MAGIC.length, MAGIC.length] }
  const start = ranges.reduce((least, range) => Math.min(least, range[0]), size)
  const end = ranges.reduce((most, range) => Math.max(most, range[1]), 0)
  return { rows, data: [start, end] }
}

function chunkRange(chunk: ThriftStruct): Range {
  const meta = structOf(fieldOf(chunk, CHUNK_META))
  if (fieldOf(chunk, CHUNK_FILE) !== undefined) throw new RangeError('columns lie in another file')
  const page = meta && integerOf(meta, META_DATA_PAGE)
  const size = meta && integerOf(meta, META_SIZE)
  if (!meta || page === undefined || size === undefined)
    throw new RangeError('a column has no place, or is encrypted')
  const start = integerOf(meta, META_DICTIONARY_PAGE) || page
  return [start, start + size]
}

/** The fields in a stretch of a struct. @param before number of the field before it */
function fieldsOf(bytes: Uint8Array, before: number): ThriftStruct {
  return new ThriftReader(concat([bytes, Uint8Array.of(0)])).struct(before)
}

/**
 * The metadata of a file with some of the row groups.
 *
 * @param head,tail the footer's bytes before and after its row groups
 */
export function metadataOf(
  head: Uint8Array,
  tail: Uint8Array,
  groups: readonly ThriftStruct[],
): ThriftStruct {
  const rows = groups.reduce((sum, group) => sum + (integerOf(group, GROUP_ROWS) ?? 0), 0)
  const list: ThriftField = { id: FILE_GROUPS, type: LIST, value: { type: STRUCT, items: groups } }
  const count: ThriftField = { id: FILE_ROWS, type: I64, value: BigInt(rows) }
  return [...fieldsOf(head, 0), list, ...fieldsOf(tail, FILE_GROUPS)].map((field) =>
    field.id === FILE_ROWS ? count : field,
  )
}

/** `count` row groups that follow one another in `bytes`. */
export function groupsOf(bytes: Uint8Array, count: number): ThriftStruct[] {
  const reader = new ThriftReader(bytes)
  const groups = Array.from({ length: count }, () => reader.struct())
  if (reader.at !== bytes.length) throw new RangeError('there are more row groups than were asked for')
  return groups
}

/** Metadata as they end a file: with their length and the magic. */
export function encodeFooter(metadata: ThriftStruct): Uint8Array<ArrayBuffer> {
  const bytes = writeStruct(metadata)
  const length = new Uint8Array(Uint32Array.of(bytes.length).buffer)
  return concat([bytes, length, START])
}

/** What a file starts with. */
export const START: Uint8Array = new TextEncoder().encode(MAGIC)

/** The bytes of one column in one row group, and their `ColumnMetaData`. */
export interface ColumnChunk {
  readonly range: Range
  readonly meta: ThriftStruct
}

/** The chunks of some top-level columns of a row group, or of all. @throws RangeError when one has no place */
export function chunksOf(group: ThriftStruct, columns?: ReadonlySet<string>): ColumnChunk[] {
  return structsOf(fieldOf(group, GROUP_COLUMNS))
    .filter((chunk) => !columns || columns.has(topLevelName(chunk)))
    .map((chunk) => ({ range: chunkRange(chunk), meta: structOf(fieldOf(chunk, CHUNK_META)) ?? [] }))
}

function topLevelName(chunk: ThriftStruct): string {
  const path = fieldOf(structOf(fieldOf(chunk, CHUNK_META)) ?? [], META_PATH)
  const first = typeof path === 'object' && 'items' in path ? path.items[0] : undefined
  return first instanceof Uint8Array ? new TextDecoder().decode(first) : ''
}

/**
 * The row group in a file where its bytes lie `by` further on. Page indexes and Bloom filters, which lie elsewhere, are
 * not mentioned.
 */
export function movedGroup(group: ThriftStruct, by: number, ordinal: number): ThriftStruct {
  const move = (field: ThriftField): ThriftField => ({ ...field, value: BigInt(Number(field.value) + by) })
  const movedMeta = (meta: ThriftStruct) =>
    meta
      .filter(({ id }) => !META_BLOOM.includes(id))
      .map((field) => {
        const isOffset = [META_DATA_PAGE, META_INDEX_PAGE, META_DICTIONARY_PAGE].includes(field.id)
        // Some write 0 for none.
        return isOffset && field.value !== 0n ? move(field) : field
      })
  const movedChunk = (chunk: ThriftStruct) =>
    chunk
      .filter(({ id }) => !CHUNK_INDEXES.includes(id))
      .map((field) => {
        if (field.id === CHUNK_META) return { ...field, value: movedMeta(structOf(field.value) ?? []) }
        // Where a copy of the metadata lies; deprecated, and 0 for none.
        return field.id === CHUNK_OFFSET ? { ...field, value: 0n } : field
      })
  return group.map((field) => {
    if (field.id === GROUP_COLUMNS) {
      return { ...field, value: { type: STRUCT, items: structsOf(field.value).map(movedChunk) } }
    }
    if (field.id === GROUP_OFFSET) return move(field)
    return field.id === GROUP_ORDINAL ? { ...field, value: BigInt(ordinal) } : field
  })
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
