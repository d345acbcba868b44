import { DataplugError } from '../../errors.js'

/** One read. */
export interface FastqRecord {
  /** The header without `@`, up to the first space or tab. */
  readonly id: string
  /** The header after that space or tab; empty when there is none. */
  readonly description: string
  readonly sequence: string
  /** As long as `sequence`; encoded as in the file. */
  readonly quality: string
}

/**
 * The reads of whole records, given as batches of lines. Blank lines after the last one are skipped.
 *
 * @throws INVALID_SLICE when the lines are not records, as with a slice that was not made by a strategy
 */
export async function* parseRecords(
  batches: AsyncIterable<readonly string[]>,
  uri: string,
): AsyncGenerator<FastqRecord> {
  const record: string[] = []
  for await (const lines of batches) {
    for (const line of lines) {
      if (record.length === 0 && (line === '' || line === '\r')) continue
      if (record.push(line) < 4) continue
      yield toRecord(record, uri)
      record.length = 0
    }
  }
  if (record.length > 0) throw notRecords(uri, record[0] as string)
}

function toRecord(
  [header = '', sequence = '', plus = '', quality = '']: readonly string[],
  uri: string,
): FastqRecord {
  if (!header.startsWith('@') || !plus.startsWith('+')) throw notRecords(uri, header)
  const space = header.search(/[ \t]/)
  return {
    id: space === -1 ? header.slice(1) : header.slice(1, space),
    description: space === -1 ? '' : header.slice(space + 1),
    sequence,
    // A last line without line feed keeps its carriage return.
    quality: quality.length > sequence.length ? quality.replace(/\r$/, '') : quality,
  }
}

function notRecords(uri: string, header: string): DataplugError {
  const excerpt = header.length > 60 ? `${header.slice(0, 60)}…` : header
  return new DataplugError(
    'INVALID_SLICE',
    `the slice of ${uri} does not consist of whole FASTQ reads, near ${JSON.stringify(excerpt)}; partition it again`,
    { uri },
  )
}
