import type { Access } from '../compression/access.js'
import { spansFor } from '../compression/access.js'
import type { CompressionKind } from '../compression/detect.js'
import type { GzipIndex } from '../compression/gzip-index.js'
import { decodeSeekTable } from '../compression/seek-table.js'
import { type Core, loadCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat, Built } from '../formats/format.js'
import type { CallOptions, ObjectInfo } from '../storage/store.js'
import type { ResolvedStorage } from './environment.js'
import type { Executor } from './executor.js'
import { inThisThread } from './in-this-thread.js'
import { encodeIndex } from './index-file.js'
import { inlineWindows } from './inline-windows.js'
import { decodePart } from './part.js'
import { removePartsIfPermitted, requireWritable } from './parts.js'
import { preprocessGzip } from './preprocess-gzip.js'
import { type Progress, type Run, runAll } from './run-tasks.js'
import { openSources } from './sources.js'
import { DEFAULT_CHUNK_SIZE, planContentTasks, planTasks } from './task.js'

export type { Progress } from './run-tasks.js'

export interface PreprocessOptions extends CallOptions {
  /** Where tasks run. Default: in this thread, one after the other. */
  readonly executor?: Executor | undefined
  /** Bytes of the object for one task. Changes neither the index nor the memory needed. Default 64 MiB. */
  readonly chunkSize?: number | undefined
  /** Bytes of content between seek points of a compressed object, about. Default 8 MiB, in BGZF 1 MiB. */
  readonly span?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Preprocess again although there is a fitting index. */
  readonly force?: boolean | undefined
}

/** A seek point of BGZF takes a record, without a window. */
export const DEFAULT_SPAN: Readonly<Record<CompressionKind, number>> = { gzip: 8 << 20, bgzf: 1 << 20 }
const SMALLEST_SPAN = 64 << 10

/**
 * Scans the object in tasks, keeps their results until all are there, and publishes the index by one write.
 *
 * @param known the structure of a compressed object, when it need not be looked for
 */
export async function preprocess(
  format: AnyFormat,
  object: ObjectInfo,
  compression: CompressionKind | undefined,
  indexUri: string,
  storage: ResolvedStorage,
  options: PreprocessOptions,
  known?: GzipIndex,
): Promise<void> {
  const {
    executor = inThisThread,
    chunkSize = DEFAULT_CHUNK_SIZE,
    span = DEFAULT_SPAN[compression ?? 'gzip'],
    onProgress,
    signal,
  } = options
  if (!Number.isSafeInteger(span) || span < SMALLEST_SPAN) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `span must be an integer from ${SMALLEST_SPAN}, in bytes; got ${span}`,
    )
  }
  const core = await loadCore()
  const store = requireWritable(storage.store, indexUri)
  const run = { format, object, indexUri, storage, store, core, executor, chunkSize, onProgress, signal }
  const gzip = known ?? (compression && (await preprocessGzip(run, compression, span)))
  const built = await build(run, gzip)
  await publishIndex(format, object, indexUri, storage, built, { signal, gzip })
}

/** Writes the index, in one piece, and removes what led to it. */
export async function publishIndex(
  format: AnyFormat,
  object: ObjectInfo,
  indexUri: string,
  { store }: ResolvedStorage,
  built: Built<unknown>,
  { signal, gzip }: CallOptions & { readonly gzip?: GzipIndex | undefined },
): Promise<void> {
  const core = await loadCore()
  signal?.throwIfAborted()
  const whole = { ...built, sections: { ...gzip?.sections, ...built.sections } }
  const bytes = encodeIndex(core, object, format, whole, gzip?.compression)
  await requireWritable(store, indexUri).write(indexUri, bytes, { signal })
  await removePartsIfPermitted(store, indexUri, { signal })
}

async function build(run: Run, gzip: GzipIndex | undefined): Promise<Built<unknown>> {
  const { format, object, storage, core, chunkSize, signal } = run
  const { scan, merge, inspect, fromLines } = format
  if (gzip && fromLines) {
    const { size, lineFeeds, endsWithNewline } = gzip.compression
    if (lineFeeds !== undefined)
      return fromLines({ totalLines: lineFeeds + (size > 0 && !endsWithNewline ? 1 : 0), endsWithNewline })
  }
  const table = gzip && decodeSeekTable(gzip.sections['gzip-points'] as Uint8Array, object.uri)
  const windows = gzip?.sections['gzip-windows']
  const accessTo = (ranges: readonly (readonly [number, number])[]): { readonly access?: Access } => {
    if (!gzip || !table || !windows) return {}
    const { size } = gzip.compression
    return {
      access: { kind: 'gzip', size, spans: inlineWindows(spansFor(ranges, table, object.size), windows) },
    }
  }
  if (inspect) {
    const content = accessTo([[0, gzip?.compression.size ?? 0]])
    return inspect({ ...openSources(storage.store, { ...object, ...content }, core, signal), core, signal })
  }
  if (!scan || !merge) return { attributes: {} }
  const tasks = table
    ? planContentTasks(format, object, table, chunkSize, gzip?.compression.size ?? 0, accessTo)
    : planTasks(format, object, chunkSize)
  const size = gzip?.compression.size ?? object.size
  // Other seek points make other tasks.
  const detail = gzip ? String(core.crc32(gzip.sections['gzip-points'] as Uint8Array)) : ''
  return merge(await runAll(run, tasks, detail), { uri: object.uri, size })
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
  const core: Core = await loadCore()
  return format.merge(
    encoded.map((bytes) => decodePart(bytes, core, object.uri)),
    object,
  )
}
