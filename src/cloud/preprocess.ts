import type { CompressionKind } from '../compression/detect.js'
import { type Core, loadCore } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { AnyFormat, Built, Part } from '../formats/format.js'
import {
  type CallOptions,
  isListable,
  isWritable,
  type ObjectInfo,
  type ReadableStore,
  readBytes,
  type WritableStore,
} from '../storage/store.js'
import type { ResolvedStorage } from './environment.js'
import type { Executor } from './executor.js'
import { inThisThread } from './in-this-thread.js'
import { encodeIndex } from './index-file.js'
import { decodePart } from './part.js'
import { runConcurrently } from './run-concurrently.js'
import { openSources } from './sources.js'
import { DEFAULT_CHUNK_SIZE, planTasks } from './task.js'

export interface Progress {
  readonly tasksDone: number
  readonly tasks: number
  readonly bytesDone: number
  readonly bytes: number
}

export interface PreprocessOptions extends CallOptions {
  /** Where tasks run. Default: in this thread, one after the other. */
  readonly executor?: Executor | undefined
  /** Bytes of the object for one task. Changes neither the index nor the memory needed. Default 64 MiB. */
  readonly chunkSize?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Preprocess again although there is a fitting index. */
  readonly force?: boolean | undefined
}

/** Scans the object in tasks, keeps their results until all are there, and publishes the index by one write. */
export async function preprocess(
  format: AnyFormat,
  object: ObjectInfo,
  compression: CompressionKind | undefined,
  indexUri: string,
  storage: ResolvedStorage,
  options: PreprocessOptions,
): Promise<void> {
  const store = writable(storage.store, indexUri)
  const built = await build(format, object, indexUri, storage, store, await loadCore(), options)
  await publishIndex(format, object, indexUri, storage, built, options)
}

/** Writes the index, in one piece, and removes what led to it. */
export async function publishIndex(
  format: AnyFormat,
  object: ObjectInfo,
  indexUri: string,
  { store }: ResolvedStorage,
  built: Built<unknown>,
  { signal }: CallOptions,
): Promise<void> {
  const core = await loadCore()
  signal?.throwIfAborted()
  await writable(store, indexUri).write(indexUri, encodeIndex(core, object, format, built), { signal })
  await removeAll(store, partsPrefix(indexUri), { signal })
}

/** Merges encoded parts, which must be all of them and in order. @throws INVALID_INDEX when one is damaged */
export async function buildFromParts(
  format: AnyFormat,
  object: ObjectInfo,
  encoded: readonly Uint8Array[],
): Promise<Built<unknown>> {
  if (!format.merge) {
    throw new DataplugError('UNSUPPORTED', `format ${format.name} is not preprocessed in tasks`, {
      uri: object.uri,
    })
  }
  const core = await loadCore()
  return format.merge(
    encoded.map((bytes) => decodePart(bytes, core, object.uri)),
    object,
  )
}

async function build(
  format: AnyFormat,
  object: ObjectInfo,
  indexUri: string,
  storage: ResolvedStorage,
  store: WritableStore,
  core: Core,
  { executor = inThisThread, chunkSize = DEFAULT_CHUNK_SIZE, onProgress, signal }: PreprocessOptions,
): Promise<Built<unknown>> {
  if (format.inspect) {
    return format.inspect({ ...openSources(storage.store, object, core, signal), core, signal })
  }
  if (!format.scan || !format.merge) return { attributes: {} }

  const tasks = planTasks(format, object, chunkSize)
  const prefix = `${partsPrefix(indexUri)}${planKey(format, object, chunkSize, core)}/`
  const parts = await keptParts(storage.store, prefix, tasks.length, core, signal)
  let tasksDone = 0
  let bytesDone = 0
  const report = (range: readonly [number, number] | undefined) => {
    if (range) {
      tasksDone++
      bytesDone += range[1] - range[0]
    }
    onProgress?.({ tasksDone, tasks: tasks.length, bytesDone, bytes: object.size })
  }
  report(undefined)
  for (const id of parts.keys()) report(tasks[id]?.range)

  const environment = { ...storage, modules: [format.module] }
  await runConcurrently(
    tasks.filter(({ id }) => !parts.has(id)),
    executor.concurrency,
    async (task, taskSignal) => {
      const result = await executor.run({ line: JSON.stringify(task) }, environment, { signal: taskSignal })
      const bytes = result as Uint8Array
      parts.set(task.id, decodePart(bytes, core, object.uri))
      // A single task is not worth keeping: it and the index would be written at the same moment.
      if (tasks.length > 1) await store.write(`${prefix}${task.id}`, bytes, { signal: taskSignal })
      report(task.range)
    },
    signal,
  )
  return format.merge(
    tasks.map(({ id }) => parts.get(id) as Part),
    object,
  )
}

/** Removes the index and what interrupted runs left. */
export async function removeParts(
  store: ReadableStore,
  indexUri: string,
  options?: CallOptions,
): Promise<void> {
  await writable(store, indexUri).remove(indexUri, options)
  await removeAll(store, partsPrefix(indexUri), options)
}

function partsPrefix(indexUri: string): string {
  return `${indexUri}.parts/`
}

// Another object state, format version or chunk size makes other parts.
function planKey(format: AnyFormat, { etag, size }: ObjectInfo, chunkSize: number, core: Core): string {
  const text = new TextEncoder().encode(JSON.stringify([etag, size, format.name, format.version, chunkSize]))
  return `${core.crc32(text).toString(16).padStart(8, '0')}-${size}-${chunkSize}`
}

/** Results of an earlier, interrupted run. A damaged one counts as missing. */
async function keptParts(
  store: ReadableStore,
  prefix: string,
  count: number,
  core: Core,
  signal: AbortSignal | undefined,
): Promise<Map<number, Part>> {
  const parts = new Map<number, Part>()
  if (count <= 1 || !isListable(store)) return parts
  for await (const { uri, size, etag } of store.list(prefix, { signal })) {
    const id = Number(uri.slice(uri.lastIndexOf('/') + 1))
    if (!Number.isSafeInteger(id) || id < 0 || id >= count) continue
    try {
      parts.set(id, decodePart(await readBytes(store, uri, [0, size], { signal, ifMatch: etag }), core, uri))
    } catch (error) {
      if (!isDataplugError(error, 'INVALID_INDEX')) throw error
    }
  }
  return parts
}

async function removeAll(store: ReadableStore, prefix: string, options?: CallOptions): Promise<void> {
  if (!isListable(store) || !isWritable(store)) return
  const uris: string[] = []
  for await (const { uri } of store.list(prefix, { signal: options?.signal })) uris.push(uri)
  for (const uri of uris) await store.remove(uri, { signal: options?.signal })
}

function writable(store: ReadableStore, indexUri: string): WritableStore {
  if (isWritable(store)) return store
  throw new DataplugError(
    'STORE_READ_ONLY',
    `nothing can be written to ${indexUri}; name a place for the index with the "metadata" option`,
    { uri: indexUri },
  )
}
