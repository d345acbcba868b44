import { DataplugError } from '../../errors.js'
import type { Index } from '../format.js'

// The section `bam-records` of docs/index-format.md: where the first record of each stretch of content starts.

const ENTRY = 16

export function encodeEntries(
  entries: readonly (readonly [offset: number, before: number])[],
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(entries.length * ENTRY))
  for (const [i, [offset, before]] of entries.entries()) {
    view.setBigUint64(i * ENTRY, BigInt(offset), true)
    view.setBigUint64(i * ENTRY + 8, BigInt(before), true)
  }
  return new Uint8Array(view.buffer)
}

/** Where a record is found: `skip` records after the one that starts at `offset`. It starts before `end`. */
export interface RecordPosition {
  readonly offset: number
  readonly skip: number
  readonly end: number
}

/**
 * Finds where records start.
 *
 * @param records numbers from 0 to less than the number of records
 * @throws INVALID_INDEX when the index does not hold what it claims
 */
export async function locateRecords(
  index: Index<unknown>,
  records: readonly number[],
): Promise<RecordPosition[]> {
  if (records.length === 0) return []
  const section = await index.section('bam-records')
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength)
  const count = Math.floor(section.length / ENTRY)
  const offset = (i: number) => Number(view.getBigUint64(i * ENTRY, true))
  const before = (i: number) => Number(view.getBigUint64(i * ENTRY + 8, true))
  return records.map((record) => {
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (before(middle) <= record) low = middle
      else high = middle - 1
    }
    const end = low + 1 < count ? offset(low + 1) : index.size
    if (count === 0 || before(low) > record || offset(low) >= end) {
      throw new DataplugError(
        'INVALID_INDEX',
        `the records of ${index.uri} contradict themselves; preprocess it again`,
        {
          uri: index.uri,
        },
      )
    }
    return { offset: offset(low), skip: record - before(low), end }
  })
}
