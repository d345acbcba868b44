import { DataplugError } from '../../errors.js'
import type { Json } from '../format.js'

/** Positions `[start, end)` of a reference sequence, from 0. */
export type Region = {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Where a region ends that has no end. */
export const UNBOUNDED = Number.MAX_SAFE_INTEGER

/**
 * A region as `samtools` and `bcftools` write it: `chr1`, `chr1:1000-2000` (from 1, both ends included), `chr1:1000-`
 * or `chr1:-2000`; commas in numbers are left out. A single position is `chr1:1000-1000`: the programs do not agree
 * on what `chr1:1000` means. A name that has colons itself may stand in braces: `{HLA:01}:1-2`.
 *
 * @param isKnown whether there is such a sequence
 * @throws INVALID_ARGUMENT when it is none, or of an unknown sequence
 */
export function parseRegion(text: unknown, isKnown: (name: string) => boolean): Region {
  const invalid = (what: string) =>
    new DataplugError('INVALID_ARGUMENT', `region ${JSON.stringify(text)} ${what}`)
  if (typeof text !== 'string' || text === '') throw invalid('is not a text like chr1:1000-2000')
  const braces = /^\{([^}]+)\}(?::(.*))?$/.exec(text)
  if (!braces && isKnown(text)) return { name: text, start: 0, end: UNBOUNDED }
  const colon = text.lastIndexOf(':')
  const name = braces?.[1] ?? (colon === -1 ? text : text.slice(0, colon))
  if (!isKnown(name)) throw invalid(`is of a sequence that is not known: ${JSON.stringify(name)}`)
  const positions = braces ? braces[2] : text.slice(colon + 1)
  if (positions === undefined) return { name, start: 0, end: UNBOUNDED }
  const parts = /^(\d*)-(\d*)$/.exec(positions.replaceAll(',', ''))
  if (!parts)
    throw invalid('has positions that are none; write them like 1000-2000, from 1, both ends included')
  const first = parts[1] ? Number(parts[1]) : 1
  const last = parts[2] ? Number(parts[2]) : UNBOUNDED
  if (first < 1 || last < first || !Number.isSafeInteger(last)) {
    throw invalid('must start at 1 or later, and not end before it starts')
  }
  return { name, start: first - 1, end: last }
}

export function isRegion(value: Json | undefined): value is Region {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { name, start, end } = value as Partial<Region>
  if (typeof name !== 'string') return false
  return (
    Number.isSafeInteger(start) &&
    Number.isSafeInteger(end) &&
    Number(start) >= 0 &&
    Number(start) <= Number(end)
  )
}
