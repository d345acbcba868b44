import type { CompressionKind } from '../compression/detect.js'
import { strideOf } from '../compression/gzip-scan.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat } from '../formats/format.js'
import type { ObjectInfo } from '../storage/store.js'
import type { Prepared, TaskLine } from './line.js'
import { planTasks } from './task.js'

/** A seek point of BGZF takes a record, without a window. */
export const DEFAULT_SPAN: Readonly<Record<CompressionKind, number>> = { gzip: 8 << 20, bgzf: 1 << 20 }
const SMALLEST_SPAN = 64 << 10

/** @throws INVALID_ARGUMENT */
export function checkSpan(span: number): void {
  if (Number.isSafeInteger(span) && span >= SMALLEST_SPAN) return
  throw new DataplugError(
    'INVALID_ARGUMENT',
    `span must be an integer from ${SMALLEST_SPAN}, in bytes; got ${span}`,
  )
}

export interface GzipPlan {
  readonly tasks: readonly TaskLine[]
  /** Compressed bytes of one task, but for the last two. */
  readonly chunkSize: number
}

export interface GzipPlanOptions {
  readonly kind: CompressionKind
  /** Bytes of content between seek points. */
  readonly span: number
  /** Compressed bytes of one task, about. */
  readonly chunkSize: number
  /** Of BGZF: nothing is inflated. */
  readonly headersOnly?: boolean
  readonly prepared?: Prepared | undefined
}

/**
 * The decoding of a gzip object as tasks, which know nothing of each other.
 *
 * @throws INVALID_ARGUMENT as `planTasks`
 */
export function planGzipTasks(
  format: AnyFormat,
  object: ObjectInfo,
  { kind, span, chunkSize: wanted, headersOnly = false, prepared }: GzipPlanOptions,
): GzipPlan {
  checkSpan(span)
  // A chunk may end at multiples of the stride only: then where it ends does not show in the index.
  const stride = strideOf(span)
  const strides = Math.max(1, Math.round(wanted / stride))
  const chunkSize = strides * stride
  const tasks = planTasks(format, object, chunkSize, prepared, Math.ceil(strides / 4) * stride)
  return { tasks: tasks.map((task) => gzipTask(task, kind, span, headersOnly)), chunkSize }
}

/** The same range, to be decoded. */
export function gzipTask(task: TaskLine, kind: CompressionKind, span: number, headersOnly = false): TaskLine {
  return { ...task, stage: 'gzip', span, compression: kind, ...(headersOnly ? { headersOnly } : {}) }
}
