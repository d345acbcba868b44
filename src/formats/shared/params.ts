import { DataplugError } from '../../errors.js'

/** More slices than this do not fit the memory of whoever plans them. */
export const MAX_SLICES = 1_000_000

/** An integer parameter of a strategy. @throws INVALID_ARGUMENT naming the parameter and its domain */
export function integer(name: string, value: unknown, minimum: number, maximum: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < minimum || (value as number) > maximum) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `${name} must be an integer from ${minimum} to ${maximum}; got ${typeof value === 'number' ? value : JSON.stringify(value)}`,
    )
  }
  return value as number
}

/** A number of slices. */
export function sliceCount(name: string, value: unknown): number {
  return integer(name, value, 1, MAX_SLICES)
}

/** A size per slice, of an object that has `total` of it. @throws INVALID_ARGUMENT when slices become too many */
export function sizePerSlice(name: string, value: unknown, total: number): number {
  const size = integer(name, value, 1, Number.MAX_SAFE_INTEGER)
  if (total / size > MAX_SLICES) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `${name} ${size} would make more than ${MAX_SLICES} slices; choose a larger one`,
    )
  }
  return size
}
