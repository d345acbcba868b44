import type { CompressionKind } from '../compression/detect.js'
import { loadCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { rangeLength } from '../range.js'
import { displayUri } from '../storage/uri.js'
import type { CloudObject } from './cloud-object.js'
import { inThisThread } from './in-this-thread.js'
import { decodePart } from './part.js'
import { requireWritable } from './parts.js'
import { gzipTask } from './plan-gzip.js'
import { joinGzip } from './preprocess-gzip.js'
import type { TaskResult } from './result.js'
import { scanTasks } from './task.js'

// Gzip by plan, task and merge: chunks are decoded anywhere, by tasks that know nothing of each other.

/**
 * @returns how the object is compressed; undefined when it is not
 * @throws UNSUPPORTED when its format looks for more than lines: that takes a second round of tasks, from the seek points
 * that the first one finds
 */
export function plannedCompression({ format, compression, uri }: CloudObject): CompressionKind | undefined {
  const { fromLines, scan, inspect, name } = format
  if (compression === undefined || fromLines || !(scan || inspect)) return compression
  throw new DataplugError(
    'UNSUPPORTED',
    `${displayUri(uri)} is compressed, and the content of format ${name} is scanned once it is indexed; use "dataplug preprocess"`,
    { uri },
  )
}

/**
 * Joins the results of all tasks of a plan, in order, and publishes the index. Where a search took something for a block that
 * is none, that chunk is decoded once more here.
 *
 * @throws MALFORMED_DATA, INVALID_INDEX when a result is damaged
 */
export async function mergeGzip(
  object: CloudObject,
  kind: CompressionKind,
  span: number,
  results: readonly TaskResult[],
  signal: AbortSignal,
): Promise<void> {
  const { format, uri, size, etag, indexUri, storage } = object
  const core = await loadCore()
  const info = { uri, size, etag }
  const ranges = results.map(({ range }) => range)
  const tasks = scanTasks(format, info, ranges, undefined).map((task) => gzipTask(task, kind, span))
  const run = {
    format,
    object: info,
    indexUri,
    storage,
    store: requireWritable(storage.store, indexUri),
    core,
    executor: inThisThread,
    chunkSize: rangeLength(ranges[0] ?? [0, size]),
    onProgress: undefined,
    signal,
  }
  const parts = new Map(results.map(({ id, bytes }) => [id, decodePart(bytes, core, uri)]))
  await object.buildIndex({ signal }, await joinGzip(run, kind, span, tasks, parts))
}
