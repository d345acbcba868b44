import { fromBase64, toBase64 } from '../base64.js'
import { isCount } from '../checks.js'
import { DataplugError } from '../errors.js'
import { isRange, type Range } from '../range.js'
import { copyPrepared, isPrepared, LINE_VERSION, type TaskLine } from './line.js'

/** Which task a result is of: enough to see that results belong together. */
type TaskFacts = Pick<
  TaskLine,
  'format' | 'version' | 'uri' | 'etag' | 'id' | 'of' | 'range' | 'span' | 'prepared'
>

/** The result of one task as a JSON line, for engines that move lines. */
export interface ResultLine extends TaskFacts {
  readonly dataplug: typeof LINE_VERSION
  readonly kind: 'result'
  /** The encoded part, in base64. */
  readonly part: string
}

export function resultLine(
  { format, version, uri, etag, id, of, range, span, prepared }: TaskFacts,
  part: Uint8Array,
): ResultLine {
  const facts = { format, version, uri, etag, id, of, range }
  const found = { ...(span === undefined ? {} : { span }), ...(prepared ? { prepared } : {}) }
  return { dataplug: LINE_VERSION, kind: 'result', ...facts, ...found, part: toBase64(part) }
}

/** A result, with its part as bytes. */
export type TaskResult = TaskFacts & { readonly bytes: Uint8Array }

/** @throws INVALID_SLICE when `line` is not a result line */
export function parseResult(line: string): TaskResult {
  const malformed = (cause?: unknown) =>
    new DataplugError('INVALID_SLICE', `not a result line of a task: ${line.slice(0, 120)}`, { cause })
  try {
    const value = JSON.parse(line) as Partial<ResultLine>
    const { dataplug, kind, format, version, uri, etag, id, of, range, span, prepared, part } = value
    if (dataplug !== LINE_VERSION || kind !== 'result' || typeof part !== 'string') throw malformed()
    if (typeof format !== 'string' || typeof uri !== 'string' || typeof etag !== 'string') throw malformed()
    if (!isCount(version) || !isCount(id) || !isCount(of) || id >= of || !isRange(range)) throw malformed()
    if (span !== undefined && !isCount(span)) throw malformed()
    if (prepared !== undefined && !isPrepared(prepared)) throw malformed()
    const facts = { format, version, uri, etag, id, of, range: [range[0], range[1]] satisfies Range }
    return {
      ...facts,
      ...(span === undefined ? {} : { span }),
      ...(prepared === undefined ? {} : { prepared: copyPrepared(prepared) }),
      bytes: fromBase64(part),
    }
  } catch (cause) {
    throw malformed(cause)
  }
}
