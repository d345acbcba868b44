import { DataplugError } from '../../errors.js'

/** One sequence, or the part of it that a slice has. */
export interface FastaRecord {
  /** The header after `>`, up to the first white space. */
  readonly id: string
  /** The header after that white space, without carriage returns at its end; empty when there is none. */
  readonly description: string
  /** Its residues: all lines, without white space. */
  readonly sequence: string
}

/** JavaScript strings end at about 2^29 characters. */
const LONGEST_SEQUENCE = 2 ** 29 - 64

/**
 * The sequences of a FASTA text, given as batches of lines.
 *
 * @throws INVALID_SLICE when lines come before the first header; UNSUPPORTED when a sequence does not fit a string
 */
export async function* parseFasta(
  batches: AsyncIterable<readonly string[]>,
  uri: string,
): AsyncGenerator<FastaRecord> {
  let header: string | undefined
  let lines: string[] = []
  let length = 0
  for await (const batch of batches) {
    for (const line of batch) {
      if (line.startsWith('>')) {
        if (header !== undefined) yield toRecord(header, lines)
        header = line
        lines = []
        length = 0
        continue
      }
      const residues = NO_RESIDUE.test(line) ? line.replace(NO_RESIDUES, '') : line
      if (residues === '') continue
      if (header === undefined) {
        throw new DataplugError(
          'INVALID_SLICE',
          `the slice of ${uri} does not begin with a FASTA header; partition it again`,
          { uri },
        )
      }
      length += residues.length
      if (length > LONGEST_SEQUENCE) {
        throw new DataplugError(
          'UNSUPPORTED',
          `a sequence of ${uri} is too long for a string (${header.slice(0, 60)}); cut it by partitionChunksStrategy or partitionRegions, or read bytes()`,
          { uri },
        )
      }
      lines.push(residues)
    }
  }
  if (header !== undefined) yield toRecord(header, lines)
}

const NO_RESIDUE = /[^!-~]/
const NO_RESIDUES = /[^!-~]+/g

function toRecord(header: string, lines: readonly string[]): FastaRecord {
  const [, id = '', rest = ''] = HEADER.exec(header) ?? []
  // A header that ends without line feed keeps its carriage return.
  let end = rest.length
  while (rest[end - 1] === '\r') end--
  return { id, description: rest.slice(0, end), sequence: lines.join('') }
}

/** White space is that of C's `isspace`. */
const HEADER = /^>[ \t\v\f\r]*([^ \t\v\f\r]*)(?:[ \t\v\f\r](.*))?$/s
