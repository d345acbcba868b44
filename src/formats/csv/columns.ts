import { DataplugError } from '../../errors.js'
import { type Columns, columnBuilder } from '../shared/columns.js'
import { type ParsedRows, parseRows } from './parse.js'
import type { RecordsContext } from './records.js'
import { columnNames } from './split.js'
import { convert, typeOfLetter } from './types.js'

/**
 * The rows of a run by column, with the values that records have. Fields beyond the columns, if rows may have them, are left out.
 *
 * @throws as `parseRows`, and MALFORMED_DATA for a value that is not of its column's type
 */
export async function parseColumns(
  pieces: AsyncIterable<readonly [offset: number, bytes: Uint8Array]>,
  context: RecordsContext,
): Promise<Columns> {
  const { letters, nulls, uri, width } = context
  const names = (await context.names()) ?? columnNames(Array.from({ length: width }, () => ''))
  const builders = names.map((_, i) => columnBuilder(typeOfLetter(letters[i])))
  for await (const parsed of parseRows(pieces, context)) {
    for (const [row, fields] of parsed.rows.entries()) {
      for (const [i, builder] of builders.entries()) {
        const field = fields[i]
        if (builder.add(field === undefined ? null : convert(letters[i], field, nulls))) continue
        throw wrongType(parsed, row, names[i] as string, letters[i], field as string, uri)
      }
    }
  }
  return new Map(names.map((name, i) => [name, (builders[i] as (typeof builders)[number]).finish()]))
}

function wrongType(
  { first, offsetOf }: ParsedRows,
  row: number,
  column: string,
  letter: string | undefined,
  field: string,
  uri: string,
): DataplugError {
  const [name, value] = [column, field].map((text) => JSON.stringify(text.slice(0, 80)))
  const offset = offsetOf(row)
  return new DataplugError(
    'MALFORMED_DATA',
    `row ${first + row + 1} of ${uri} (byte ${offset}) has ${value} in column ${name}, which is of type ${typeOfLetter(letter)}. ` +
      `Preprocess with dtypes: { ${name}: "string" }, or with nullValues: [${value}] if it stands for no value; or read records()`,
    { uri, offset },
  )
}
