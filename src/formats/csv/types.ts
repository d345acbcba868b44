import type { CsvType } from './dialect.js'

/** A field converted by its column's type; see `docs/formats/csv.md`. */
export type CsvValue = string | number | boolean | null

const INT = /^[-+]?(?:0|[1-9]\d*)$/
const FLOAT = /^[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/
const BOOL = /^(?:true|false)$/i

const isInt = (text: string) => INT.test(text) && Number.isSafeInteger(Number(text))

const LETTERS: Readonly<Record<CsvType, string>> = { int: 'i', float: 'f', bool: 'b', string: 's' }
const TYPES: Readonly<Record<string, CsvType>> = { i: 'int', f: 'float', b: 'bool', s: 'string' }

/** Types of columns as text, a letter for each and before it how many follow each other: `3if2s`. */
export function packTypes(types: readonly CsvType[]): string {
  return types
    .map((type) => LETTERS[type])
    .join('')
    .replace(/(.)\1+/g, (run, letter: string) => `${run.length}${letter}`)
}

/** The letters of `packTypes`, one for each column; undefined when `text` is none of its results. */
export function unpackTypes(text: unknown): string | undefined {
  if (typeof text !== 'string' || !/^(?:\d{0,7}[ifbs])*$/.test(text)) return undefined
  return text.replace(/(\d+)(.)/g, (_, count: string, letter: string) => letter.repeat(Number(count)))
}

export function typeOfLetter(letter: string | undefined): CsvType {
  return TYPES[letter ?? 's'] ?? 'string'
}

/** The narrowest type of all values that are neither empty nor one of `nulls`; `string` when there are none. */
export function typeOf(values: Iterable<string>, nulls?: ReadonlySet<string>): CsvType {
  let [int, float, bool, some] = [true, true, true, false]
  for (const value of values) {
    if (value === '' || nulls?.has(value)) continue
    some = true
    int &&= isInt(value)
    float &&= FLOAT.test(value)
    bool &&= BOOL.test(value)
    if (!float && !bool) return 'string'
  }
  if (!some) return 'string'
  return int ? 'int' : float ? 'float' : 'bool'
}

/**
 * What a field is in a column of the type that `letter` stands for. One of `nulls` is null, and an empty one too, but in columns of
 * strings; one that is not of the type stays the text that it is, and so does a whole number that a `number` cannot hold.
 */
export function convert(letter: string | undefined, text: string, nulls?: ReadonlySet<string>): CsvValue {
  if (nulls?.has(text)) return null
  if (letter === 's' || letter === undefined) return text
  if (text === '') return null
  if (letter === 'i') return isInt(text) ? Number(text) : text
  if (letter === 'f') return FLOAT.test(text) ? Number(text) : text
  return BOOL.test(text) ? text.length === 4 : text
}
