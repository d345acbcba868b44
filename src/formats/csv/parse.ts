import { joined } from '../../bytes.js'
import type { RowScanner } from '../../core/core.js'
import { ROW_START } from '../../core/rows.js'
import { DataplugError } from '../../errors.js'
import type { CsvDialect } from './dialect.js'
import { splitRows } from './split.js'

export interface ParseContext {
  readonly uri: string
  readonly dialect: CsvDialect
  readonly scanner: RowScanner
  /** Columns. */
  readonly width: number
  /** Number of the first row, from 0. */
  readonly firstRow: number
}

/** Rows that follow each other, as their fields. */
export interface ParsedRows {
  readonly rows: readonly (readonly string[])[]
  /** Number of the first of them, from 0. */
  readonly first: number
  /** Where row `i` of them begins in the object, or the line before it that is none. */
  offsetOf(i: number): number
}

/** Bytes that are parsed at a time, about: a row more than that is parsed by itself. */
const BATCH = 256 << 10

/**
 * The rows of a run, given as pieces of bytes that begin with a row. They are parsed by papaparse in batches of whole rows.
 *
 * @throws MALFORMED_DATA with the number and offset of a row that cannot be parsed, INVALID_UTF8
 */
export async function* parseRows(
  pieces: AsyncIterable<readonly [offset: number, bytes: Uint8Array]>,
  context: ParseContext,
): AsyncGenerator<ParsedRows> {
  let parse: ((batch: Batch) => string[][]) | undefined
  let first = context.firstRow
  for await (const each of batches(pieces, context.scanner)) {
    const batch = { ...each, row: first }
    parse ??= await batchParser(context)
    const rows = parse(batch)
    yield { rows, first, offsetOf: (i) => offsetOf(batch, context.scanner, i) }
    first += rows.length
  }
}

interface Batch {
  readonly offset: number
  readonly bytes: Uint8Array
  /** Rows in them, by the kernel; and lines that are none. */
  readonly rows: number
  readonly skipped: number
  readonly row: number
}

/** Whole rows; the last of all may lack its line end. */
async function* batches(
  pieces: AsyncIterable<readonly [offset: number, bytes: Uint8Array]>,
  scanner: RowScanner,
): AsyncGenerator<Omit<Batch, 'row'>> {
  // What is there of the rows to come, in pieces: joined once, or a row of many pieces would cost its square.
  let kept: Uint8Array[] = []
  let length = 0
  let start = 0
  let lane = scanner.lane(ROW_START, false)
  for await (const [offset, bytes] of pieces) {
    for (let from = 0; from < bytes.length; from += BATCH) {
      const piece = bytes.subarray(from, from + BATCH)
      if (length === 0) start = offset + from
      const before = start + length
      scanner.scan(lane, piece, before)
      kept.push(piece.slice())
      length += piece.length
      if (lane.rows === 0 || length < BATCH) continue
      const all = joined(kept)
      const end = lane.lastEnd - start
      const rest = all.slice(end)
      yield {
        offset: start,
        bytes: all.subarray(0, end),
        rows: lane.rows,
        skipped: skippedIn(lane, scanner, all, end),
      }
      kept = rest.length > 0 ? [rest] : []
      length = rest.length
      start += end
      lane = scanner.lane(ROW_START, false)
      scanner.scan(lane, rest, start)
    }
  }
  if (length === 0) return
  const all = joined(kept)
  const isOpen = lane.state !== ROW_START && lane.state < 6
  const skipped = lane.skipped + (lane.state >= 6 ? 1 : 0)
  yield { offset: start, bytes: all, rows: lane.rows + (isOpen ? 1 : 0), skipped }
}

/** Blank lines and comments up to `end`, after which there may be more. */
function skippedIn(lane: { skipped: number }, scanner: RowScanner, all: Uint8Array, end: number): number {
  if (lane.skipped === 0) return 0
  const own = scanner.lane(ROW_START, false)
  scanner.scan(own, all.subarray(0, end), 0)
  return own.skipped
}

/** Where row `i` of a batch begins. */
function offsetOf({ offset, bytes }: Batch, scanner: RowScanner, i: number): number {
  const within = i === 0 ? 0 : scanner.find({ state: ROW_START, left: i }, bytes)
  return offset + Math.max(within, 0)
}

/** papaparse where it reads the batch as the kernel did; else rows are taken apart first. */
async function batchParser({
  uri,
  dialect,
  scanner,
  width,
}: ParseContext): Promise<(batch: Batch) => string[][]> {
  const { default: Papa } = await import('papaparse')
  const { separator, quote } = dialect
  const newline = dialect.newline === '\r' ? '\r' : '\n'

  function run(text: string, lineEnd: '\n' | '\r\n' | '\r') {
    const { data, errors } = Papa.parse<string[]>(text, {
      delimiter: separator,
      newline: lineEnd,
      ...(quote === null ? { fastMode: true } : { quoteChar: quote, escapeChar: quote }),
    })
    return { data, faulty: errors.find(({ type }) => type === 'Quotes') }
  }

  return (batch) => {
    const text = decode(batch, uri)
    // What papaparse knows nothing of: escapes other than quotes, comments, blank lines that are no rows, mixed line ends.
    const isPlain = batch.skipped === 0 && (dialect.escape === null || !text.includes(dialect.escape))
    const crlf = newline === '\n' && text.includes('\r\n')
    const lineEnd = crlf ? '\r\n' : newline
    // Of two kinds one may stand within quotes only, and the number of rows be right by chance.
    const oneKind = !crlf || !/(?:^|[^\r])\n/.test(text)
    // A lone CR at the end is a line end without its LF.
    const lastFits = newline === '\r' || !text.endsWith('\r')
    if (isPlain && oneKind && lastFits) {
      const { data, faulty } = run(text.endsWith(lineEnd) ? text.slice(0, -lineEnd.length) : text, lineEnd)
      if (!faulty && data.length === batch.rows) return data
    }
    const rows = splitRows(text, dialect)
    if (rows.length === batch.rows) {
      const strange = rows.findIndex(({ malformed: isMalformed }) => isMalformed)
      if (strange === -1) return rows.map(({ fields }) => [...fields])
      throw malformed(strange, 'has characters after a closing quote')
    }
    throw malformed(0, 'or one after it cannot be parsed')

    function malformed(i: number, what: string): DataplugError {
      const offset = offsetOf(batch, scanner, i)
      return new DataplugError(
        'MALFORMED_DATA',
        `row ${batch.row + i + 1} of ${uri} (byte ${offset}) ${what}; it has to have ${width} fields, read the slice with bytes() or lines() to see it`,
        { uri, offset },
      )
    }
  }
}

function decode({ bytes, offset }: Batch, uri: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new DataplugError(
      'INVALID_UTF8',
      `${uri} is not UTF-8 in bytes ${offset}-${offset + bytes.length}; read the slice with bytes() or stream() and decode it yourself`,
      { uri, offset, cause },
    )
  }
}
