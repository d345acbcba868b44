import { concat } from '../../bytes.js'
import { DataplugError } from '../../errors.js'
import type { ByteStream } from '../../storage/store.js'
import { checkedLength, FIXED } from './record.js'

/** Whole records that lie one after the other. */
export interface RecordBatch {
  readonly bytes: Uint8Array
  /** Where each record starts in `bytes`, and after the last where it ends. */
  readonly starts: readonly number[]
  /** Offset of `bytes` in the content. */
  readonly offset: number
}

/**
 * The records of a stream of content that starts with one. What is left at its end, less than a record, is left out.
 *
 * @throws INVALID_SLICE when it does not consist of records
 */
export async function* recordBatches(
  stream: ByteStream,
  base: number,
  uri: string,
): AsyncGenerator<RecordBatch> {
  let open: Uint8Array[] = []
  let held = 0
  /** Bytes before which no record is complete. */
  let needed = FIXED
  let offset = base
  for await (const piece of stream) {
    open.push(piece)
    held += piece.length
    if (held < needed) continue
    const [only] = open
    const bytes = only && open.length === 1 ? only : concat(open)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const starts: number[] = [0]
    let at = 0
    needed = FIXED
    while (at + FIXED <= bytes.length) {
      const length = checkedLength(view, at)
      if (length === undefined) throw notRecords(uri, offset + at)
      if (at + length > bytes.length) {
        needed = length
        break
      }
      at += length
      starts.push(at)
    }
    if (at > 0) yield { bytes: bytes.subarray(0, at), starts, offset }
    open = at < bytes.length ? [bytes.subarray(at)] : []
    held = bytes.length - at
    offset += at
  }
}

/** `count` records after the first `skip`. @throws INVALID_SLICE when there are fewer */
export async function* selectRecords(
  batches: AsyncIterable<RecordBatch>,
  skip: number,
  count: number,
  uri: string,
): AsyncGenerator<RecordBatch> {
  let toSkip = skip
  let toKeep = count
  if (toKeep === 0) return
  for await (const { bytes, starts, offset } of batches) {
    const records = starts.length - 1
    const first = Math.min(toSkip, records)
    const last = Math.min(first + toKeep, records)
    toSkip -= first
    toKeep -= last - first
    if (first < last) {
      const from = starts[first] as number
      yield {
        bytes: bytes.subarray(from, starts[last]),
        starts: starts.slice(first, last + 1).map((start) => start - from),
        offset: offset + from,
      }
    }
    if (toKeep === 0) return
  }
  throw notRecords(uri, undefined)
}

export function notRecords(uri: string, offset: number | undefined): DataplugError {
  const where = offset === undefined ? '' : ` near byte ${offset} of its content`
  return new DataplugError(
    'INVALID_SLICE',
    `the slice of ${uri} does not consist of whole BAM records${where}; partition it again`,
    { uri, offset },
  )
}
