import { fieldOf, integerOf, structOf, ThriftReader, type ThriftStruct } from './thrift.js'

// Numbers of fields in parquet.thrift.
const META_VALUES = 5
const PAGE_UNPACKED = 2
const PAGE_PACKED = 3
/** Headers of data pages of both versions; each has its number of values first. */
const DATA_PAGES = [5, 8]
const DICTIONARY_PAGE = 7
const PAGE_VALUES = 1

const LARGEST_PAGE = 2 ** 31 - 1

/**
 * Follows the headers of all pages of a column chunk, so that no damaged length sends a decoder in circles.
 *
 * @param meta `ColumnMetaData` of the chunk
 * @throws RangeError when a page ends past the chunk, or pages have other numbers of values than the chunk
 */
export function checkPages(bytes: Uint8Array, meta: ThriftStruct): void {
  const total = integerOf(meta, META_VALUES) ?? 0
  let values = 0
  let at = 0
  while (at < bytes.length - 1 && values < total) {
    const reader = new ThriftReader(bytes.subarray(at))
    const header = reader.struct()
    const [packed, unpacked] = [integerOf(header, PAGE_PACKED), integerOf(header, PAGE_UNPACKED)]
    at += reader.at
    if (packed === undefined || unpacked === undefined || packed < 0 || packed > bytes.length - at) {
      throw new RangeError(`a page of ${packed} bytes does not fit its column`)
    }
    if (unpacked < 0 || unpacked > LARGEST_PAGE)
      throw new RangeError(`a page says it unpacks to ${unpacked} bytes`)
    at += packed
    const counts = DATA_PAGES.map((id) => structOf(fieldOf(header, id))).filter((page) => page !== undefined)
    for (const page of counts) {
      const count = integerOf(page, PAGE_VALUES) ?? -1
      if (count < 0) throw new RangeError('a page has no number of values')
      values += count
    }
    const dictionary = structOf(fieldOf(header, DICTIONARY_PAGE))
    // Each entry takes a bit at least.
    if (dictionary && (integerOf(dictionary, PAGE_VALUES) ?? -1) > unpacked * 8 + 8) {
      throw new RangeError('a dictionary has more entries than bits')
    }
  }
  if (values !== total) throw new RangeError(`a column has ${values} values, and says ${total}`)
}
