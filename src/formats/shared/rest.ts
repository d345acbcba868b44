import { DataplugError } from '../../errors.js'
import { type Range, splitBySize } from '../../range.js'
import { sizePerSlice } from './params.js'

/**
 * What happens to the rest when a total is not a multiple of the size per slice: `expand` makes one more, smaller
 * slice of it; `merge` adds it to the last full one.
 */
export type RestStrategy = 'expand' | 'merge'

/**
 * Cuts `[0, total)` into ranges of `size`, the last as `rest` says. Less than one `size` in all is one range.
 *
 * @param name of the parameter that `size` is
 * @throws INVALID_ARGUMENT when a parameter is out of its domain
 */
export function splitWithRest(
  name: string,
  total: number,
  size: number,
  rest: RestStrategy = 'expand',
): Range[] {
  if (rest !== 'expand' && rest !== 'merge') {
    const message = `strategy must be "expand" or "merge"; got ${JSON.stringify(rest)}`
    throw new DataplugError('INVALID_ARGUMENT', message)
  }
  const ranges = splitBySize(total, sizePerSlice(name, size, total))
  if (rest === 'expand' || total % size === 0 || ranges.length < 2) return ranges
  const [start] = ranges.at(-2) as Range
  return [...ranges.slice(0, -2), [start, total]]
}
