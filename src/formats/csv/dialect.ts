import { isTexts } from '../../checks.js'
import type { RowDialect } from '../../core/rows.js'
import { DataplugError } from '../../errors.js'

/** How a CSV object is written. */
export type CsvDialect = {
  /** One ASCII character. */
  readonly separator: string
  /** Around fields; null when no character is. */
  readonly quote: string | null
  /** Before a quote, or itself, within quotes. Null: quotes are doubled, which is understood in any case. */
  readonly escape: string | null
  /** Lines that begin with it are no rows; null: there are none. */
  readonly comment: string | null
  /** What most rows end with. With `\n` and `\r\n`, both are line ends. */
  readonly newline: '\n' | '\r\n' | '\r'
}

/** What values of a column are, as far as a sample tells. */
export type CsvType = 'int' | 'float' | 'bool' | 'string'

/** What `preprocess` takes as `formatOptions`. Whatever is left out is told by the first bytes, or as said. */
export type CsvOptions = {
  /** One ASCII character; `tab` may be written `\t`. Told among comma, tab, semicolon and bar. */
  readonly separator?: string
  /** Default `"`. */
  readonly quote?: string | null
  /** Default null. */
  readonly escape?: string | null
  /** Default null. */
  readonly comment?: string | null
  readonly newline?: CsvDialect['newline']
  /** Whether the first row names the columns. Default true. */
  readonly header?: boolean
  /** Names of the columns: in place of those in the header, or for an object without one. */
  readonly columns?: readonly string[]
  /** Types of some columns by name, or one for all. Others are told by the sample. */
  readonly dtypes?: CsvType | { readonly [column: string]: CsvType }
  /** Texts that stand for no value, such as `NA`: null in columns of any type. Default none; see `docs/formats/csv.md`. */
  readonly nullValues?: readonly string[]
  /** Rows with more or fewer fields than columns: an error (the default), or counted in `raggedRows`. */
  readonly ragged?: 'error' | 'allow'
}

export const csvTypes: readonly CsvType[] = ['int', 'float', 'bool', 'string']

const known: ReadonlySet<string> = new Set([
  'separator',
  'quote',
  'escape',
  'comment',
  'newline',
  'header',
  'columns',
  'dtypes',
  'nullValues',
  'ragged',
] satisfies (keyof CsvOptions)[])

/** The options as they are used: names for characters resolved, `nullValues` an array. @throws INVALID_ARGUMENT naming the option and its domain */
export function checkOptions(options: CsvOptions): CsvOptions {
  const unknown = Object.keys(options).find((name) => !known.has(name))
  if (unknown !== undefined) {
    throw refused(`there is no option "${unknown}"; there are ${[...known].join(', ')}`)
  }
  const { header, columns, dtypes, ragged } = options
  const newline = options.newline === undefined ? undefined : readable(options.newline)
  if (newline !== undefined && newline !== '\n' && newline !== '\r\n' && newline !== '\r') {
    throw refused(`newline must be \\n, \\r\\n or \\r; got ${JSON.stringify(newline)}`)
  }
  if (header !== undefined && typeof header !== 'boolean') throw refused('header must be true or false')
  if (ragged !== undefined && ragged !== 'error' && ragged !== 'allow') {
    throw refused(`ragged must be "error" or "allow"; got ${JSON.stringify(ragged)}`)
  }
  if (columns !== undefined && !isTexts(columns)) throw refused('columns must be an array of names')
  const wrongType = typesIn(dtypes).find((type) => !csvTypes.includes(type as CsvType))
  if (wrongType !== undefined) {
    throw refused(
      `dtypes must be ${csvTypes.join(', ')}, or an object of these; got ${JSON.stringify(wrongType)}`,
    )
  }
  const nullValues = nullTexts(options.nullValues)
  const separator = character('separator', options.separator)
  if (separator === null) throw refused('separator must be one character')
  const quote = character('quote', options.quote)
  const sameAsQuote = character('escape', options.escape)
  const escapeCharacter = sameAsQuote === (quote === undefined ? '"' : quote) ? null : sameAsQuote
  const comment = character('comment', options.comment)
  const given = [separator, quote, escapeCharacter, comment].filter((value) => typeof value === 'string')
  if (new Set(given).size < given.length) throw refused('separator, quote, escape and comment must differ')
  return {
    ...(separator === undefined ? {} : { separator }),
    ...(quote === undefined ? {} : { quote }),
    ...(escapeCharacter === undefined ? {} : { escape: escapeCharacter }),
    ...(comment === undefined ? {} : { comment }),
    ...(newline === undefined ? {} : { newline }),
    ...(header === undefined ? {} : { header }),
    ...(columns === undefined ? {} : { columns }),
    ...(dtypes === undefined ? {} : { dtypes }),
    ...(nullValues.length === 0 ? {} : { nullValues }),
    ...(ragged === undefined ? {} : { ragged }),
  }
}

/** Without repetition. */
function nullTexts(value: unknown): readonly string[] {
  const texts = value === undefined ? [] : Array.isArray(value) ? value : [value]
  // On the command line one need not be an array, and -99 comes as a number.
  const fits = texts.every((text) => typeof text === 'string' || typeof text === 'number')
  if (fits) return [...new Set(texts.map(String))]
  throw refused(`nullValues must be an array of texts; got ${JSON.stringify(value)}`)
}

function typesIn(dtypes: unknown): readonly unknown[] {
  if (dtypes === undefined) return []
  return typeof dtypes === 'object' && dtypes !== null ? Object.values(dtypes) : [dtypes]
}

const NAMES: Readonly<Record<string, string>> = {
  tab: '\t',
  '\\t': '\t',
  space: ' ',
  none: '',
  '\\n': '\n',
  '\\r\\n': '\r\n',
  '\\r': '\r',
}

/** `\t` and the like as a command line gives them. */
function readable(text: string): string {
  return Object.hasOwn(NAMES, text) ? (NAMES[text] as string) : text
}

function character(name: string, value: unknown): string | null | undefined {
  if (value === undefined || value === null) return value
  // A digit on the command line comes as a number, and "none" as a switch that is off.
  const text = value === false ? '' : readable(String(value))
  if (text === '') return null
  if (/^[\t\x20-\x7e]$/.test(text)) return text
  throw refused(`${name} must be one ASCII character that ends no line; got ${JSON.stringify(value)}`)
}

function refused(what: string): DataplugError {
  return new DataplugError('INVALID_ARGUMENT', `options of format csv: ${what}`)
}

/** The dialect in bytes. */
export function dialectBytes({
  separator,
  quote,
  escape: escapeCharacter,
  comment,
  newline,
}: CsvDialect): RowDialect {
  const byte = (text: string | null) => (text === null ? null : text.charCodeAt(0))
  return {
    newline: newline === '\r' ? 13 : 10,
    separator: separator.charCodeAt(0),
    quote: byte(quote),
    escape: byte(escapeCharacter),
    comment: byte(comment),
  }
}

/** Whether `value`, which came through a line, is a dialect. */
export function isDialect(value: unknown): value is CsvDialect {
  if (typeof value !== 'object' || value === null) return false
  const {
    separator,
    quote,
    escape: escapeCharacter,
    comment,
    newline,
  } = value as Partial<Record<keyof CsvDialect, unknown>>
  const isCharacter = (text: unknown) => typeof text === 'string' && /^[\t\x20-\x7e]$/.test(text)
  return (
    isCharacter(separator) &&
    [quote, escapeCharacter, comment].every((text) => text === null || isCharacter(text)) &&
    (newline === '\n' || newline === '\r\n' || newline === '\r')
  )
}
