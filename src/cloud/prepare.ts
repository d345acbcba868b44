import type { Access } from '../compression/access.js'
import type { Core } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { AnyFormat, JsonObject, Sources } from '../formats/format.js'
import type { Prepared } from './line.js'
import type { Run } from './run-tasks.js'
import { openSources } from './sources.js'

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

/** Content of a compressed object that `prepare` gets at by one request; what lies further takes more. */
export const PREPARE_ACCESS = 1 << 20

/** Of less than this it is not worth a request to ask what the format has to agree on. */
const SMALLEST_PREPARED_AHEAD = 64 << 10

/**
 * As `prepare`, of a gzip object that is not indexed yet; undefined when its content is not to be scanned while it is
 * indexed, or cannot be.
 */
export async function prepareAhead(
  { format, object, storage, core, signal }: Run,
  formatOptions: JsonObject | undefined,
): Promise<{ readonly prepared: Prepared | undefined } | undefined> {
  const { scan, fromLines, scansForward } = format
  if (!scan || fromLines || !scansForward) return undefined
  if (format.prepare && object.size < SMALLEST_PREPARED_AHEAD) return undefined
  const end = Math.min(object.size, PREPARE_ACCESS)
  const access: Access = {
    kind: 'gzip',
    size: Number.MAX_SAFE_INTEGER,
    spans: [{ content: 0, bit: 0, end }],
  }
  const start = () => openSources(storage.store, { ...object, access }, core, signal)
  try {
    const prepared = await prepare(format, start, core, formatOptions, signal)
    return scansForward(prepared?.result) ? { prepared } : undefined
  } catch (error) {
    // What is wrong with the content is found out, and said, once it is indexed; or it is shorter than was looked for.
    if (isDataplugError(error, 'MALFORMED_DATA') || isDataplugError(error, 'INVALID_INDEX')) return undefined
    throw error
  }
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
