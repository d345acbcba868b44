import { type ParseContext, parseRows } from './parse.js'
import { type CsvValue, convert } from './types.js'

/**
 * A row: by column when there are names, else its fields in order. What a row has beyond the columns, if that is allowed, is an
 * array named `__parsed_extra`, as in papaparse; what it lacks is null.
 */
export type CsvRecord = { readonly [column: string]: CsvValue | readonly string[] } | readonly CsvValue[]

export interface RecordsContext extends ParseContext {
  /** A type's letter for each column. */
  readonly letters: string
  /** Texts that are null. */
  readonly nulls: ReadonlySet<string> | undefined
  /** Names of the columns, undefined when there are none. Asked for once, when the first row is there. */
  names(): Promise<readonly string[] | undefined>
}

/** The rows of a run, with their values converted. @throws as `parseRows` */
export async function* parseRecords(
  pieces: AsyncIterable<readonly [offset: number, bytes: Uint8Array]>,
  context: RecordsContext,
): AsyncGenerator<CsvRecord> {
  let toRecord: ((fields: readonly string[]) => CsvRecord) | undefined
  for await (const { rows } of parseRows(pieces, context)) {
    toRecord ??= recordMaker(context, await context.names())
    for (const fields of rows) yield toRecord(fields)
  }
}

function recordMaker(
  { letters, nulls, width }: RecordsContext,
  names: readonly string[] | undefined,
): (fields: readonly string[]) => CsvRecord {
  if (!names) return (fields) => fields.map((field, i) => convert(letters[i], field, nulls))
  // Assigning to it would set the prototype.
  const define = names.includes('__proto__')
  return (fields) => {
    const entries = names.map((name, i): [string, CsvValue | readonly string[]] => {
      const field = fields[i]
      return [name, field === undefined ? null : convert(letters[i], field, nulls)]
    })
    if (fields.length > width) entries.push(['__parsed_extra', fields.slice(width)])
    if (define) return Object.fromEntries(entries)
    const record: Record<string, CsvValue | readonly string[]> = {}
    for (const [name, value] of entries) record[name] = value
    return record
  }
}
