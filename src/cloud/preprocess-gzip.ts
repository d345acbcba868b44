import type { CompressionKind } from '../compression/detect.js'
import { createGzipIndexer, type GzipIndex } from '../compression/gzip-index.js'
import type { GzipFrom } from '../compression/gzip-scan.js'
import type { GzipPart } from '../core/gzip-part.js'
import { DataplugError } from '../errors.js'
import type { Part } from '../formats/format.js'
import { knowing, type Schedule, scheduleTasks } from './gzip-schedule.js'
import { type GzipTaskResult, readGzipTask } from './gzip-task.js'
import type { Prepared, TaskLine } from './line.js'
import { planGzipTasks } from './plan-gzip.js'
import { lanes, openStage, type Run, type Stage } from './run-tasks.js'

export interface GzipScanOptions {
  /** Of BGZF: nothing is inflated, so that lines are not counted and checksums not verified. */
  readonly headersOnly?: boolean
  /**
   * The format scans the content on the way, with what it `prepared`. A chunk that was decoded without its history is
   * decoded once more for that.
   */
  readonly scan?: { readonly prepared: Prepared | undefined } | undefined
}

export interface ScannedGzip {
  readonly index: GzipIndex
  /** What the format found in the content, in order; absent when it was not asked, or failed. */
  readonly parts?: readonly Part[]
}

/**
 * With so many workers some chunks are decoded twice where a format scans the content, by workers that know what is
 * before them only the second time. With two, that takes 0.86 of the time, but 1.5 of the CPU, and more reads.
 */
const SHARES_SCAN = 3

/** Tasks left for the worker that knows what is before: without it, a task takes up to one and a half times as long. */
const RESERVE = 2

/**
 * Indexes a gzip object in chunks of compressed bytes. With one worker each chunk is decoded with what is
 * known of those before it; with more, one is, and others meanwhile without. Either way the index is the same,
 * and no byte is read twice, but where a search took something for a block that is none.
 *
 * @throws MALFORMED_DATA; with `headersOnly` also when not all of the object is BGZF
 */
export async function preprocessGzip(
  run: Run,
  kind: CompressionKind,
  span: number,
  { headersOnly = false, scan }: GzipScanOptions = {},
): Promise<ScannedGzip> {
  const { format, object } = run
  const { chunkSize: wanted } = run
  const options = { kind, span, chunkSize: wanted, headersOnly, prepared: scan?.prepared }
  const { tasks, chunkSize } = planGzipTasks(format, object, options)
  const purpose = headersOnly ? ' headers' : scan ? ` scan ${JSON.stringify(scan.prepared ?? null)}` : ''
  const stage = await openStage({ ...run, chunkSize }, tasks, `${span}${purpose}`)
  return join(run, kind, span, { tasks, stage, headersOnly, scan: scan !== undefined })
}

/**
 * The index of a gzip object from results of tasks that were run elsewhere.
 *
 * @param results of the tasks of one plan, all of them, by number
 * @throws MALFORMED_DATA
 */
export async function joinGzip(
  run: Run,
  kind: CompressionKind,
  span: number,
  tasks: readonly TaskLine[],
  results: ReadonlyMap<number, Part>,
): Promise<GzipIndex> {
  const stage = await openStage(run, tasks, `${span} joined`, results)
  return (await join(run, kind, span, { tasks, stage, headersOnly: false, scan: false })).index
}

interface Joining {
  readonly tasks: readonly TaskLine[]
  readonly stage: Stage
  readonly headersOnly: boolean
  readonly scan: boolean
}

/** Runs what has no result, and joins them all, in order. */
async function join(
  run: Run,
  kind: CompressionKind,
  span: number,
  { tasks, stage, headersOnly, scan }: Joining,
): Promise<ScannedGzip> {
  const { object } = run
  const indexer = createGzipIndexer(object.uri, kind, span, headersOnly)
  const results = scheduleTasks(stage, tasks, {
    ...lanesFor(run, kind, scan),
    signal: run.signal,
  })
  const scans: (Part | null | Promise<Part | null | undefined>)[] = []
  try {
    for (const task of tasks) {
      const { next } = indexer
      if (task.id > 0 && next === undefined) break
      // The chunk before went on through this one: no block starts in it that a search could find.
      if (next && next.bit >= task.range[1] * 8) continue
      const asked = scan ? { ...task, content: indexer.size } : task
      const result = await results.get(asked, next)
      const { gzip, scanned } = fits(result, next) ? result : await again(stage, asked, next)
      if (scan) scans.push(scanned === undefined ? results.scanLater(knowing(asked, next)) : scanned)
      await indexer.add(gzip)
      if (!scanned) results.release(task)
    }
    await results.finish()
  } finally {
    await results.stop()
  }
  const index = await indexer.finish()
  const parts = (await Promise.all(scans)).filter((part) => part !== null && part !== undefined)
  return scan && parts.length === scans.length ? { index, parts } : { index }
}

function lanesFor({ executor }: Run, kind: CompressionKind, isScanned: boolean): Omit<Schedule, 'signal'> {
  const { concurrency } = executor
  if (concurrency < (isScanned ? SHARES_SCAN : 2)) return { lanes: 1, reserve: Number.POSITIVE_INFINITY }
  if (kind === 'bgzf') return { lanes: lanes(executor), reserve: 0 }
  // As many as workers: what waits for one would come before the task that is known only then.
  return { lanes: concurrency, reserve: RESERVE }
}

/** Decodes a chunk once more, now that what comes before it is known. */
async function again(stage: Stage, task: TaskLine, from: GzipFrom | undefined): Promise<FittingResult> {
  const result = readGzipTask(await stage.run(knowing(task, from)))
  if (fits(result, from)) return result
  if (task.headersOnly) {
    const offset = from && Math.floor(from.bit / 8)
    throw new DataplugError('MALFORMED_DATA', `${task.uri} is not BGZF from byte ${offset} on`, {
      uri: task.uri,
      offset,
    })
  }
  throw new DataplugError(
    'INVALID_INDEX',
    `task ${task.id} of ${task.uri} did not decode what it was asked to; run it again`,
    {
      uri: task.uri,
    },
  )
}

type FittingResult = GzipTaskResult & { readonly gzip: GzipPart }

/** Whether a task found the block that the chunks before say comes next. */
function fits(result: GzipTaskResult, from: GzipFrom | undefined): result is FittingResult {
  return result.gzip !== undefined && (from === undefined || result.gzip.start === from.bit)
}
