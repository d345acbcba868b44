import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import type { CsvOptions } from '../../src/formats/csv.js'

/** Rows by csv-parse, which is no relative of papaparse and knows comments, escapes and all line ends. */
export function oracleRows(
  text: string,
  { separator = ',', quote = '"', comment, ...options }: CsvOptions,
): string[][] {
  return parse(text, {
    bom: true,
    delimiter: separator,
    quote: quote ?? false,
    escape: options.escape ?? quote ?? '"',
    ...(comment ? { comment, comment_no_infix: true } : {}),
    record_delimiter: options.newline === '\r' ? '\r' : ['\r\n', '\n'],
    skip_empty_lines: true,
    relax_column_count: true,
    relax_quotes: true,
  })
}

const field = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9 é.]{0,8}$/) },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', ';', '日本'), { maxLength: 9 })
      .map((x) => x.join('')),
  },
  { weight: 1, arbitrary: fc.nat(900).map((n) => 'x,\n'.repeat(n)) },
  { weight: 1, arbitrary: fc.nat(99999).map(String) },
)

export interface Table {
  readonly text: string
  readonly options: CsvOptions
}

/** Tables in which what is rare elsewhere is common: quoted line ends, doubled quotes, quotes within unquoted fields. */
export const table: fc.Arbitrary<Table> = fc
  .record({
    rows: fc
      .integer({ min: 1, max: 5 })
      .chain((width) =>
        fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 40 }),
      ),
    newline: fc.constantFrom('\n', '\r\n'),
    separator: fc.constantFrom(',', ';', '\t'),
    always: fc.boolean(),
    bom: fc.boolean(),
    blank: fc.constantFrom('', '', '\n', '\r\n'),
    final: fc.boolean(),
    stray: fc.boolean(),
  })
  .map(({ rows, newline, separator, always, bom, blank, final, stray }) => {
    const write = (value: string) => {
      if (always || value === '' || /["\r\n,;\t]|^ | $/.test(value)) return `"${value.replaceAll('"', '""')}"`
      return stray && value.length > 2 ? `${value.slice(0, 2)}"${value.slice(2)}` : value
    }
    const lines = rows.map((row) => row.map(write).join(separator))
    const text = (bom ? '\ufeff' : '') + lines.join(newline + blank) + (final ? newline : '')
    return { text, options: { separator } }
  })
