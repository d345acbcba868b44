import { CLOSED, ESCAPED, FIELD_START, PLAIN, QUOTED, ROW_START } from '../../core/rows.js'
import { DataplugError } from '../../errors.js'
import type { Built, MergeContext, Part } from '../format.js'
import { blockSeries } from '../shared/block-series.js'
import { BLOCK_SIZE } from '../shared/counts.js'
import { countSections } from '../shared/line-index.js'
import type { CsvDialect, CsvType } from './dialect.js'
import { type CsvHeader, checkPlan } from './prepare.js'
import type { CsvSegment } from './scan.js'
import { typeOfLetter, unpackTypes } from './types.js'

/** What preprocessing finds out about a CSV object. */
export type CsvAttributes = {
  /** Names, unique; `column1` and so on where there are none. */
  readonly columns: readonly string[]
  /** By column, told by the sample or given. */
  readonly dtypes: { readonly [column: string]: CsvType }
  /** Rows without the header; blank lines and comments are none. */
  readonly totalRows: number
  /** Rows with more or fewer fields than columns: 0 unless they are allowed. */
  readonly raggedRows: number
  /** Texts that are null in columns of any type; absent when none are. */
  readonly nullValues?: readonly string[]
  readonly dialect: CsvDialect
  /** The header row, as it stands in the object; null when there is none. */
  readonly header: CsvHeader | null
  /** Whether names came as an option. */
  readonly renamed: boolean
  /** Where rows begin: after byte order mark and header. */
  readonly start: number
}

interface Ragged {
  readonly row: number
  readonly offset: number
  readonly fields: number
}

/** Reduce: follows the one true chain of states, and puts the counts of its lanes together. */
export function mergeCsv(
  parts: readonly Part[],
  { uri, size, prepared }: MergeContext,
): Built<CsvAttributes> {
  const plan = checkPlan(prepared, uri)
  const { columns, dialect, header, nullValues, renamed, start, types } = plan
  const expected = columns.length - 1
  const counts = blockSeries()
  const states = blockSeries()
  let state: number = ROW_START
  let rows = 0
  let open = 0
  let rowStart = start
  let raggedRows = 0
  let ragged: Ragged | undefined

  function check(row: number, offset: number, separators: number): void {
    if (separators === expected) return
    raggedRows++
    ragged ??= { row, offset, fields: separators + 1 }
  }

  for (const part of parts) {
    for (const [number, { start: from, end, lanes, from: starts }] of (
      part.segments as unknown as CsvSegment[]
    ).entries()) {
      const i = starts[state] ?? -1
      const lane = lanes[i]
      if (!lane) throw contradicts(uri)
      const bytes = (name: string) => part[`${number}.${i}.${name}`] as Uint8Array
      counts.fillTo(from)
      counts.add(from, end, bytes('counts'), bytes('sums'))
      const firstBlock = Math.ceil(from / BLOCK_SIZE) * BLOCK_SIZE
      if (firstBlock < end) {
        states.fillTo(firstBlock)
        states.add(firstBlock, Math.ceil(end / BLOCK_SIZE) * BLOCK_SIZE, bytes('states'))
      }
      if (lane.rows > 0) {
        // The row that was open where the stretch begins, unless it begins with a row.
        if (from !== start) check(rows, rowStart, open + lane.head)
        if (lane.ragged > 0) {
          raggedRows += lane.ragged
          ragged ??= {
            row: rows + lane.raggedRow,
            offset: Math.max(lane.raggedAt, start),
            fields: lane.raggedHas + 1,
          }
        }
        open = lane.open
        rowStart = lane.lastEnd
      } else open += lane.open
      rows += lane.rows
      state = lane.state
    }
  }
  counts.fillTo(size + BLOCK_SIZE - 1)
  states.fillTo(size + BLOCK_SIZE - 1)
  if (state === QUOTED || state === ESCAPED) {
    throw new DataplugError(
      'MALFORMED_DATA',
      `a quote in row ${rows + 1} of ${uri} is not closed before the object ends; the row begins at byte ${rowStart}. ` +
        'If quotes mean nothing there, give the option quote: null',
      { uri, offset: rowStart },
    )
  }
  if (state === PLAIN || state === FIELD_START || state === CLOSED) {
    check(rows, rowStart, open)
    rows++
  }
  if (ragged && plan.ragged === 'error') throw raggedError(ragged, raggedRows, columns.length, uri)

  const letters = unpackTypes(types) ?? ''
  const row = countSections(counts.finish())
  const before = countSections(states.finish())
  return {
    attributes: {
      columns,
      dtypes: Object.fromEntries(columns.map((column, i) => [column, typeOfLetter(letters[i])])),
      totalRows: rows,
      raggedRows,
      ...(nullValues && { nullValues }),
      dialect,
      header,
      renamed,
      start,
    },
    sections: {
      'row-pages': row.pages,
      'row-counts': row.counts,
      'state-pages': before.pages,
      'state-counts': before.counts,
    },
  }
}

function raggedError(
  { row, offset, fields }: Ragged,
  count: number,
  columns: number,
  uri: string,
): DataplugError {
  const others = count > 1 ? `, and ${count - 1} more rows have not ${columns} either` : ''
  return new DataplugError(
    'MALFORMED_DATA',
    `row ${row + 1} of ${uri} (byte ${offset}) has ${fields} fields where there are ${columns} columns${others}. ` +
      `Check separator and quote, or allow it with the option ragged: "allow"`,
    { uri, offset },
  )
}

function contradicts(uri: string): DataplugError {
  return new DataplugError(
    'INVALID_INDEX',
    `the results of the tasks for ${uri} do not fit each other; run them again`,
    {
      uri,
    },
  )
}
