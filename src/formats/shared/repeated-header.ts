import { fromBase64, toBase64 } from '../../base64.js'
import { deflate, inflate } from '../../compression/deflate.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Source } from '../format.js'

// The header of an object, which is repeated in each slice but the first, so that each is an object of its own.

/** Members of a slice's data that say where its header is. */
export type RepeatedHeader = {
  /** The header in the object, from its start. */
  readonly header?: Range
  /** The same bytes, deflated and in base64, when that is short; then the object is not asked for them. */
  readonly headerBytes?: string
}

/** Longer headers are read from the object, once in a while, rather than carried by each of many slices. */
const LONGEST_INLINE = 2048
/** No known program writes a header as long as this. */
export const LONGEST_HEADER = 64 << 20

/** Makes the members for a slice. One that is empty reads its header from the object, to see that it is still the same. */
export async function repeatHeader(header: Uint8Array): Promise<(isEmpty: boolean) => RepeatedHeader> {
  const range: Range = [0, header.length]
  const deflated = await deflate(Uint8Array.from(header))
  const inline = Math.ceil(deflated.length / 3) * 4 <= LONGEST_INLINE ? toBase64(deflated) : undefined
  return (isEmpty) =>
    isEmpty || inline === undefined ? { header: range } : { header: range, headerBytes: inline }
}

/** Ranges of the object that reading the header needs. */
export function headerRanges({ header, headerBytes }: RepeatedHeader): readonly Range[] {
  return header && headerBytes === undefined ? [header] : []
}

/** Whether the members are as `repeatHeader` makes them, as far as can be told without reading. */
export function isRepeatedHeader({ header, headerBytes }: RepeatedHeader, size: number): boolean {
  if (headerBytes !== undefined && (typeof headerBytes !== 'string' || headerBytes.length > LONGEST_INLINE)) {
    return false
  }
  if (header === undefined) return headerBytes === undefined
  return isRange(header) && header[0] === 0 && header[1] <= Math.min(size, LONGEST_HEADER)
}

/**
 * The header's bytes: from the slice, from those read last in this process, or by one read of the object's start.
 *
 * @param isEmpty the slice has nothing else, whose reading would tell that the object was replaced
 * @throws INVALID_SLICE when `headerBytes` are not as many bytes as `header` says
 */
export async function readHeader(
  { header, headerBytes }: RepeatedHeader,
  main: Source,
  isEmpty: boolean,
): Promise<Uint8Array> {
  if (!header) return new Uint8Array(0)
  if (headerBytes !== undefined) return unpack(headerBytes, header[1], main.uri)
  const key = JSON.stringify([main.uri, main.etag, header[1]])
  const known = isEmpty ? undefined : recent.get(key)
  if (known) return known
  const bytes = await main.bytes(header)
  // Only what was read whole is kept: a reader that is aborted does not take others with it.
  if (bytes.length <= LONGEST_KEPT) {
    recent.set(key, bytes)
    const [oldest] = recent.keys()
    if (recent.size > KEPT && oldest !== undefined) recent.delete(oldest)
  }
  return bytes
}

const KEPT = 4
const LONGEST_KEPT = 4 << 20
const recent = new Map<string, Uint8Array>()

async function unpack(text: string, length: number, uri: string): Promise<Uint8Array> {
  const bytes = await inflate(decode(text), length).catch(() => undefined)
  if (bytes?.length === length) return bytes
  throw new DataplugError(
    'INVALID_SLICE',
    `the slice of ${uri} has a header that is none; partition it again`,
    {
      uri,
    },
  )
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch {
    return new Uint8Array(0)
  }
}
