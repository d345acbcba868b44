import type { Core } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat, Chunk } from '../formats/format.js'
import { splitBySize } from '../range.js'
import type { ObjectInfo, ReadableStore } from '../storage/store.js'
import { formatOf, LINE_VERSION, type TaskLine } from './line.js'
import { encodePart } from './part.js'
import { openContent } from './sources.js'

/** More tasks than this are more trouble than they are worth: a terabyte in 1 MiB chunks. */
const MAX_TASKS = 1 << 20

export const DEFAULT_CHUNK_SIZE = 64 << 20

/**
 * The scan of an object as tasks, one for each chunk of `chunkSize` bytes (the last may be shorter).
 *
 * @throws INVALID_ARGUMENT when `chunkSize` is not an integer from 1, or so small that tasks become too many
 */
export function planTasks(format: AnyFormat, object: ObjectInfo, chunkSize: number): TaskLine[] {
  if (!Number.isSafeInteger(chunkSize) || chunkSize < 1) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `chunkSize must be an integer from 1, in bytes; got ${chunkSize}`,
    )
  }
  if (object.size / chunkSize > MAX_TASKS) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `chunkSize ${chunkSize} would cut ${object.uri} into more than ${MAX_TASKS} tasks; choose a larger one`,
      { uri: object.uri },
    )
  }
  const { uri, size, etag } = object
  return splitBySize(size, chunkSize).map((range, id, { length: of }) => ({
    dataplug: LINE_VERSION,
    kind: 'task',
    stage: 'scan',
    format: format.name,
    version: format.version,
    uri,
    size,
    etag,
    id,
    of,
    range,
  }))
}

/** Runs one task and returns its encoded part. Reads nothing but the chunk, and what its format looks ahead. */
export async function runTask(
  task: TaskLine,
  store: ReadableStore,
  core: Core,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const format = await formatOf(task)
  if (!format.scan) {
    throw new DataplugError('INVALID_SLICE', `format "${task.format}" is not preprocessed in tasks`, {
      uri: task.uri,
    })
  }
  const source = openContent(store, task, core, signal)
  const chunk: Chunk = {
    source,
    range: task.range,
    signal,
    stream: () => source.read(task.range, { scratch: new Uint8Array(SCRATCH) }),
  }
  return encodePart(await format.scan(chunk, core), core)
}

const SCRATCH = 1 << 20
