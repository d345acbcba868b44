import { release } from '../bytes.js'
import type { SeekTable } from '../compression/seek-table.js'
import { type Core, coreModule, createCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat, Chunk } from '../formats/format.js'
import { type Range, splitBySize } from '../range.js'
import type { ObjectInfo, ReadableStore } from '../storage/store.js'
import { type ContentScan, runGzipTask } from './gzip-task.js'
import { formatOf, LINE_VERSION, type Prepared, type TaskLine } from './line.js'
import { encodePart } from './part.js'
import { openSources } from './sources.js'

/** More tasks than this are more trouble than they are worth: a terabyte in 1 MiB chunks. */
const MAX_TASKS = 1 << 20

export const DEFAULT_CHUNK_SIZE = 64 << 20
/** Of compressed bytes: about as much content, so that workers end at about the same time. */
export const DEFAULT_COMPRESSED_CHUNK_SIZE = 16 << 20

/**
 * The scan of an object as tasks, one for each chunk of `chunkSize` bytes (the last may be shorter).
 *
 * @param last size of the chunks that the last two of more are cut into, so that none is waited for long in the end
 * @throws INVALID_ARGUMENT when `chunkSize` is not an integer from 1, or so small that tasks become too many
 */
export function planTasks(
  format: AnyFormat,
  object: ObjectInfo,
  chunkSize: number,
  prepared?: Prepared,
  last = chunkSize,
): TaskLine[] {
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
  const chunks = Math.ceil(object.size / chunkSize)
  const even = chunks > 2 ? (chunks - 2) * chunkSize : object.size
  const rest = splitBySize(object.size - even, last).map(([a, b]): Range => [even + a, even + b])
  const ranges = [...splitBySize(even, chunkSize), ...rest]
  return scanTasks(format, object, ranges, prepared)
}

/** The scan of a compressed object's content as tasks of at least `chunkSize` bytes, from seek point to seek point. */
export function planContentTasks(
  format: AnyFormat,
  object: ObjectInfo,
  table: SeekTable,
  chunkSize: number,
  size: number,
  accessTo: (ranges: readonly Range[]) => Pick<TaskLine, 'access' | 'uncounted'>,
  prepared?: Prepared,
): TaskLine[] {
  const ranges: Range[] = []
  let start = 0
  for (let i = 1; i <= table.length && start < size; i++) {
    const end = i < table.length ? table.point(i).content : size
    if (end - start < chunkSize && i < table.length) continue
    ranges.push([start, end])
    start = end
  }
  return scanTasks(format, object, ranges, prepared, accessTo)
}

/** One task for each range, in order. */
export function scanTasks(
  format: AnyFormat,
  { uri, size, etag }: ObjectInfo,
  ranges: readonly Range[],
  prepared: Prepared | undefined,
  accessTo?: (ranges: readonly Range[]) => Pick<TaskLine, 'access' | 'uncounted'>,
): TaskLine[] {
  return ranges.map((range, id) => ({
    dataplug: LINE_VERSION,
    kind: 'task',
    stage: 'scan',
    format: format.name,
    version: format.version,
    uri,
    size,
    etag,
    id,
    of: ranges.length,
    range,
    ...accessTo?.([range]),
    ...(prepared ? { prepared } : {}),
  }))
}

/** Runs one task and returns its encoded part. Reads nothing but the chunk, and what its format looks ahead. */
export async function runTask(
  task: TaskLine,
  store: ReadableStore,
  core: Core,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (task.stage === 'gzip') {
    const decode = (scan?: ContentScan) => runGzipTask(task, store, scan, signal)
    const asked = task.content === undefined ? undefined : await scanOf(task)
    const part = asked ? await withOwnCore((own) => decode((chunk) => asked(chunk, own))) : await decode()
    const encoded = encodePart(part, core)
    if (part.symbols) release(part.symbols)
    return encoded
  }
  const scan = await scanOf(task)
  const { main: source, sibling } = openSources(store, task, core, signal)
  const part = await withOwnCore((own) => {
    const stream = () => source.read(task.range, { scratch: own.scratch })
    const compressed = task.access !== undefined
    const linesKnown = compressed && !task.uncounted
    const { range, prepared } = task
    const chunk: Chunk = {
      source,
      range,
      signal,
      compressed,
      linesKnown,
      prepared: prepared?.result,
      sibling,
      stream,
    }
    return scan(chunk, own)
  })
  return encodePart(part, core)
}

async function scanOf(task: TaskLine): Promise<NonNullable<AnyFormat['scan']>> {
  const { scan } = await formatOf(task)
  if (scan) return scan
  throw new DataplugError('INVALID_SLICE', `format "${task.format}" is not preprocessed in tasks`, {
    uri: task.uri,
  })
}

const idle: Core[] = []

/**
 * A core that nobody else uses meanwhile, so that bytes can be read straight into its memory: a scan then
 * copies nothing, which saves a fifth of its CPU time.
 */
async function withOwnCore<T>(run: (core: Core) => Promise<T>): Promise<T> {
  const core = idle.pop() ?? createCore(await coreModule())
  try {
    return await run(core)
  } finally {
    idle.push(core)
  }
}
