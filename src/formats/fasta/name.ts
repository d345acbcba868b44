import { LONGEST_HEADER_TEXT } from '../../core/fasta.js'
import { DataplugError } from '../../errors.js'

/** As C's `isspace`, which samtools ends names with. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13)
}

/**
 * The name in a header line: after `>` and white space, up to the next white space. A view of `text`.
 *
 * @param text may be cut off after `LONGEST_HEADER_TEXT` bytes
 * @throws MALFORMED_DATA when the name is longer than that
 */
export function nameOf(text: Uint8Array, uri: string, offset: number): Uint8Array {
  const most = Math.min(text.length, LONGEST_HEADER_TEXT)
  let start = 1
  while (start < most && isSpace(text[start])) start++
  let end = start
  while (end < most && !isSpace(text[end])) end++
  if (end === LONGEST_HEADER_TEXT) {
    throw new DataplugError(
      'MALFORMED_DATA',
      `the header at byte ${offset} of ${uri} has a name that does not end within ${LONGEST_HEADER_TEXT} bytes`,
      { uri, offset },
    )
  }
  return text.subarray(start, end)
}
