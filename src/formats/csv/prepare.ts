import { isTexts } from '../../checks.js'
import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { JsonObject, ReadContext, Source } from '../format.js'
import { type CsvDialect, type CsvOptions, type CsvType, checkOptions, isDialect } from './dialect.js'
import { type CsvRow, columnNames, splitRows } from './split.js'
import { packTypes, typeOf, unpackTypes } from './types.js'

/** What all chunks of a CSV object are scanned by, and its slices read. */
export type CsvPlan = {
  readonly dialect: CsvDialect
  readonly columns: readonly string[]
  /** Of the columns, as `packTypes` writes them. */
  readonly types: string
  /** Texts that are null; absent when there are none. */
  readonly nullValues?: readonly string[]
  /** The header row with its line end; null when there is none. */
  readonly header: CsvHeader | null
  /** Names came as an option: those of the header, if there is one, do not count. */
  readonly renamed: boolean
  /** Where rows begin: after byte order mark and header. */
  readonly start: number
  readonly ragged: 'error' | 'allow'
}

export type CsvHeader = {
  readonly range: Range
  /** As it stands in the object; absent when it is long or not UTF-8. */
  readonly text?: string
}

/** The sample is so long at first, and grows up to so much for a header that does not end. */
const SAMPLE = 64 << 10
const LARGEST_SAMPLE = 1 << 20
/** A header so long travels in slices. */
const SHORT_HEADER = 2048

/**
 * Tells dialect, columns and types by the first 64 KiB, as far as options do not.
 *
 * @throws INVALID_ARGUMENT, MALFORMED_DATA
 */
export async function prepareCsv({ main }: ReadContext, given: CsvOptions): Promise<CsvPlan> {
  const options = checkOptions(given)
  for (let length = SAMPLE; ; length *= 4) {
    const sample = await main.bytes([0, Math.min(length, main.size)])
    const whole = sample.length === main.size
    const plan = tell(sample, whole, main, options)
    if (plan) return plan
    if (whole || length >= LARGEST_SAMPLE) {
      throw new DataplugError(
        'MALFORMED_DATA',
        `the first row of ${main.uri} does not end within its first ${sample.length} bytes; is a quote not closed, or is it no CSV?`,
        { uri: main.uri, offset: 0 },
      )
    }
  }
}

/** The plan, or undefined when the sample does not hold a whole row. */
function tell(sample: Uint8Array, whole: boolean, source: Source, options: CsvOptions): CsvPlan | undefined {
  const mark = markLength(sample, source)
  // A byte is a character, so that offsets in the text are offsets in the object.
  const text = latin1(sample.subarray(mark))
  const { dialect, rows } = chooseDialect(text, whole, source, options)
  if (rows.length === 0 && !whole) return undefined
  const { header: withHeader = true, columns: names } = options
  const first = rows[0]
  const headerRow = withHeader ? first : undefined
  const range: Range = headerRow ? [mark + headerRow.start, mark + headerRow.next] : [mark, mark]
  const data = headerRow ? rows.slice(1) : rows
  const width = names?.length ?? first?.fields.length ?? 0
  if (headerRow && names && names.length !== headerRow.fields.length) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `the header of ${source.uri} has ${headerRow.fields.length} columns (byte ${range[0]}), and the option "columns" names ${names.length}`,
      { uri: source.uri, offset: range[0] },
    )
  }
  const headerText = decodeStrictly(sample.subarray(...range))
  const headerFields = headerRow
    ? splitRows(new TextDecoder().decode(sample.subarray(...range)), dialect, 1)[0]?.fields
    : undefined
  const columns = columnNames(names ?? headerFields ?? Array.from({ length: width }, () => ''))
  return {
    dialect,
    columns,
    types: packTypes(columns.map((column, i) => typeFor(column, i, data, options))),
    ...(options.nullValues && { nullValues: options.nullValues }),
    header: headerRow
      ? {
          range,
          ...(headerText !== undefined && range[1] - range[0] <= SHORT_HEADER ? { text: headerText } : {}),
        }
      : null,
    renamed: names !== undefined,
    start: headerRow ? range[1] : mark,
    ragged: options.ragged ?? 'error',
  }
}

function typeFor(column: string, i: number, rows: readonly CsvRow[], options: CsvOptions): CsvType {
  const { dtypes, nullValues = [] } = options
  if (typeof dtypes === 'string') return dtypes
  const given = dtypes && Object.hasOwn(dtypes, column) ? dtypes[column] : undefined
  if (given) return given
  // In the sample a byte is a character.
  const nulls = new Set(nullValues.map((text) => latin1(new TextEncoder().encode(text))))
  const values = rows.map(({ fields }) => fields[i] ?? '')
  return typeOf(values, nulls)
}

const SEPARATORS = [',', '\t', ';', '|']

interface Candidate {
  readonly dialect: CsvDialect
  readonly rows: readonly CsvRow[]
  /** Fields of most rows, and how many rows have so many, and quotes only around fields. */
  readonly width: number
  readonly agreeing: number
}

function chooseDialect(text: string, whole: boolean, { uri }: Source, options: CsvOptions): Candidate {
  const { separator, quote = '"', escape: escapeCharacter = null, comment = null } = options
  const returnsEndLines = /\r(?!\n)/.test(text)
  const tryOut = (candidate: string): Candidate => {
    const dialect = { separator: candidate, quote, escape: escapeCharacter, comment }
    const newlines = options.newline
      ? [options.newline]
      : returnsEndLines
        ? (['\n', '\r'] as const)
        : (['\n'] as const)
    const tried = newlines.map((newline) => weigh(text, whole, { ...dialect, newline }))
    const [feeds, returns] = tried as [Candidate, Candidate | undefined]
    // Carriage returns end lines only where no line feed does.
    const best =
      returns && feeds.rows.filter(({ ended }) => ended).length === 0 && returns.rows.length > 1
        ? returns
        : feeds
    if (options.newline || best.dialect.newline === '\r') return best
    const crlf = best.rows.filter(({ ended, end, next }) => ended && next - end === 2).length
    return crlf * 2 > best.rows.length ? { ...best, dialect: { ...best.dialect, newline: '\r\n' } } : best
  }
  const candidates = [...new Set([...SEPARATORS, ...(separator === undefined ? [] : [separator])])]
    .filter((candidate) => candidate !== quote && candidate !== escapeCharacter && candidate !== comment)
    .map(tryOut)
  const share = ({ agreeing, rows }: Candidate) => (rows.length === 0 ? 0 : agreeing / rows.length)
  const better = (a: Candidate, b: Candidate) =>
    share(b) * Number(b.width > 1) - share(a) * Number(a.width > 1) || b.width - a.width
  const ranked = [...candidates].sort(better)
  if (separator === undefined) return ranked[0] as Candidate
  const chosen = candidates.find(({ dialect }) => dialect.separator === separator) as Candidate
  const rival = ranked[0] as Candidate
  const isWrong =
    chosen.width === 1 && rival.width > 1 && rival.rows.length > 2 && rival.agreeing === rival.rows.length
  if (isWrong && options.columns === undefined) {
    const show = (name: string) => JSON.stringify(name)
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `separator ${show(separator)} makes one column of row 1 of ${uri} (byte ${rival.rows[0]?.start ?? 0}) and of those that follow, ` +
        `while ${show(rival.dialect.separator)} makes ${rival.width} of each; give that, or name the one column with the option "columns"`,
      { uri, offset: rival.rows[0]?.start ?? 0 },
    )
  }
  return chosen
}

function weigh(text: string, whole: boolean, dialect: CsvDialect): Candidate {
  const all = splitRows(text, dialect)
  // What the sample cuts off is no row.
  const rows = whole || all.at(-1)?.ended !== false ? all : all.slice(0, -1)
  const widths = new Map<number, number>()
  for (const { fields } of rows) widths.set(fields.length, (widths.get(fields.length) ?? 0) + 1)
  const [width] = [...widths].sort((a, b) => b[1] - a[1])[0] ?? [0]
  const fits = ({ fields, malformed, stray }: CsvRow) => fields.length === width && !malformed && !stray
  const agreeing = rows.filter(fits).length
  return { dialect, rows, width, agreeing }
}

function markLength([a, b, c]: Uint8Array, { uri }: Source): number {
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new DataplugError('MALFORMED_DATA', `${uri} is UTF-16 text; convert it to UTF-8 first`, {
      uri,
      offset: 0,
    })
  }
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return text
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** What came with a task. @throws INVALID_SLICE when it is no plan */
export function checkPlan(value: JsonObject | undefined, uri: string): CsvPlan {
  const plan = value as Partial<CsvPlan> | undefined
  const fits =
    plan !== undefined &&
    isDialect(plan.dialect) &&
    Array.isArray(plan.columns) &&
    unpackTypes(plan.types) !== undefined &&
    (plan.nullValues === undefined || isTexts(plan.nullValues)) &&
    (plan.header === null || isRange(plan.header?.range)) &&
    Number.isSafeInteger(plan.start) &&
    (plan.start ?? -1) >= 0
  if (fits) return plan as CsvPlan
  throw new DataplugError('INVALID_SLICE', `the task for ${uri} does not say how to read it; plan it again`, {
    uri,
  })
}
