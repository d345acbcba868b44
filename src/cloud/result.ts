import { fromBase64, toBase64 } from '../base64.js'
import { DataplugError } from '../errors.js'
import { LINE_VERSION, type TaskLine } from './line.js'

/** The result of one task as a JSON line, for engines that move lines. */
export interface ResultLine {
  readonly dataplug: typeof LINE_VERSION
  readonly kind: 'result'
  readonly uri: string
  readonly etag: string
  readonly id: number
  readonly of: number
  /** The encoded part, in base64. */
  readonly part: string
}

export function resultLine(
  { uri, etag, id, of }: Pick<TaskLine, 'uri' | 'etag' | 'id' | 'of'>,
  part: Uint8Array,
): ResultLine {
  return { dataplug: LINE_VERSION, kind: 'result', uri, etag, id, of, part: toBase64(part) }
}

/** @throws INVALID_SLICE when `line` is not a result line */
export function parseResult(line: string): ResultLine & { readonly bytes: Uint8Array } {
  const malformed = (cause?: unknown) =>
    new DataplugError('INVALID_SLICE', `not a result line of a task: ${line.slice(0, 120)}`, { cause })
  try {
    const { dataplug, kind, uri, etag, id, of, part } = JSON.parse(line) as Partial<ResultLine>
    if (dataplug !== LINE_VERSION || kind !== 'result') throw malformed()
    if (typeof uri !== 'string' || typeof etag !== 'string' || typeof part !== 'string') throw malformed()
    if (!Number.isSafeInteger(id) || !Number.isSafeInteger(of)) throw malformed()
    return { dataplug, kind, uri, etag, id: id as number, of: of as number, part, bytes: fromBase64(part) }
  } catch (cause) {
    throw malformed(cause)
  }
}
