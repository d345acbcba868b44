import type { CsvDialect } from './dialect.js'

/** One row of a text. Offsets count UTF-16 code units: bytes, when the text was decoded as Latin-1. */
export interface CsvRow {
  readonly fields: readonly string[]
  /** Where the row begins, where its last field ends, and what follows its line end. */
  readonly start: number
  readonly end: number
  readonly next: number
  /** Whether its line end is there. */
  readonly ended: boolean
  /** Whether a field goes on after its closing quote, where readers differ on what that means. */
  readonly malformed: boolean
  /** Whether an unquoted field has a quote in it: hardly ever meant. */
  readonly stray: boolean
}

/**
 * The rows of a text that begins with one, field by field, by the same rules as the kernel. For samples and for what a
 * faster parser cannot be trusted with.
 *
 * @param most rows
 */
export function splitRows(text: string, dialect: CsvDialect, most = Number.POSITIVE_INFINITY): CsvRow[] {
  const { separator, quote, comment } = dialect
  const newline = dialect.newline === '\r' ? '\r' : '\n'
  const separatorCode = separator.charCodeAt(0)
  const newlineCode = newline.charCodeAt(0)
  const rows: CsvRow[] = []
  let at = 0
  while (at < text.length && rows.length < most) {
    if (text[at] === newline || (newline === '\n' && text.startsWith('\r\n', at)) || text[at] === comment) {
      const feed = text.indexOf(newline, at)
      at = feed === -1 ? text.length : feed + 1
      continue
    }
    // A carriage return that the text ends with is a blank line too.
    if (newline === '\n' && text[at] === '\r' && at === text.length - 1) break
    const start = at
    const fields: string[] = []
    let end = at
    let [ended, malformed, stray] = [false, false, false]
    for (;;) {
      let value = ''
      const isQuoted = quote !== null && text[at] === quote
      if (isQuoted) {
        const closed = quoted(text, at, quote, dialect.escape)
        value = closed.value
        at = closed.next
      }
      const from = at
      // Codes: comparing characters as strings costs a multiple.
      let code = text.charCodeAt(at)
      while (code !== separatorCode && code !== newlineCode && at < text.length) code = text.charCodeAt(++at)
      const isRowEnd = code !== separatorCode
      // A carriage return belongs to the line end.
      end = isRowEnd && newline === '\n' && at > from && text[at - 1] === '\r' ? at - 1 : at
      const rest = text.slice(from, end)
      fields.push(value + rest)
      if (isQuoted) malformed ||= rest.trim() !== ''
      else stray ||= quote !== null && rest.includes(quote)
      if (isRowEnd) {
        ended = at < text.length
        if (ended) at++
        break
      }
      at++
    }
    rows.push({ fields, start, end, next: at, ended, malformed, stray })
  }
  return rows
}

/** The content of the quoted field that begins at `start`, and where what follows it begins. */
function quoted(
  text: string,
  start: number,
  quote: string,
  escapeCharacter: string | null,
): { readonly value: string; readonly next: number } {
  const pieces: string[] = []
  let from = start + 1
  let at = from
  for (;;) {
    if (at >= text.length) return { value: pieces.join('') + text.slice(from), next: text.length }
    const character = text[at]
    if (character === quote) {
      if (text[at + 1] !== quote) return { value: pieces.join('') + text.slice(from, at), next: at + 1 }
      pieces.push(text.slice(from, at + 1))
      at += 2
      from = at
    } else if (character === escapeCharacter) {
      const next = text[at + 1]
      if (next === quote || next === escapeCharacter) {
        pieces.push(text.slice(from, at))
        from = at + 1
      }
      at += 2
    } else at++
  }
}

/** Names of columns: unique, and none empty. A second `a` is `a.1`, as in pandas; the third without a name `column3`. */
export function columnNames(fields: readonly string[]): string[] {
  const taken = new Set<string>()
  return fields.map((field, i) => {
    const name = field === '' ? `column${i + 1}` : field
    let unique = name
    for (let n = 1; taken.has(unique); n++) unique = `${name}.${n}`
    taken.add(unique)
    return unique
  })
}
