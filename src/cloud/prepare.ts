import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat, JsonObject, Sources } from '../formats/format.js'
import type { Prepared } from './line.js'

/**
 * Asks the format what all tasks must agree on; undefined when it has no `prepare`.
 *
 * @throws INVALID_ARGUMENT when options are given to a format that takes none, and what `prepare` throws
 */
export async function prepare(
  { name, prepare: ask }: AnyFormat,
  sources: () => Sources,
  core: Core,
  formatOptions: JsonObject | undefined,
  signal: AbortSignal | undefined,
): Promise<Prepared | undefined> {
  const options = plainOptions(formatOptions)
  if (ask) return { options, result: await ask({ ...sources(), core, signal }, options) }
  const [option] = Object.keys(options)
  if (option === undefined) return undefined
  throw new DataplugError('INVALID_ARGUMENT', `format ${name} takes no option "${option}", nor any other`)
}

/** Whether an index that was made with `made` is what preprocessing with `wanted` would make. */
export function sameOptions(made: JsonObject | undefined, wanted: JsonObject | undefined): boolean {
  if (wanted === undefined) return true
  return JSON.stringify(plainOptions(made)) === JSON.stringify(plainOptions(wanted))
}

/** Sorted by name and without what is undefined, so that equal options are equal text. */
function plainOptions(options: JsonObject = {}): JsonObject {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return JSON.parse(
    JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))),
  ) as JsonObject
}
