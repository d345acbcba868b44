import { release } from '../bytes.js'
import type { Core } from '../core/core.js'
import type { AnyFormat, Part } from '../formats/format.js'
import { rangeLength } from '../range.js'
import type { ObjectInfo, WritableStore } from '../storage/store.js'
import type { ResolvedStorage } from './environment.js'
import type { Executor } from './executor.js'
import type { TaskLine } from './line.js'
import { decodePart } from './part.js'
import { keptParts, partsPrefix } from './parts.js'
import { runConcurrently } from './run-concurrently.js'

export interface Progress {
  /** What is being done: finding the structure of a compressed object, or what the format scans for. */
  readonly stage: TaskLine['stage']
  readonly tasksDone: number
  readonly tasks: number
  /** Of the object; of its content, in the scan of a compressed one. */
  readonly bytesDone: number
  readonly bytes: number
}

/** What all steps of one preprocessing run share. */
export interface Run {
  readonly format: AnyFormat
  readonly object: ObjectInfo
  readonly indexUri: string
  readonly storage: ResolvedStorage
  readonly store: WritableStore
  readonly core: Core
  readonly executor: Executor
  readonly chunkSize: number
  readonly onProgress: ((progress: Progress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** Tasks of one stage, their kept results, and the means to run the others. */
export interface Stage {
  readonly kept: ReadonlyMap<number, Part>
  /**
   * Runs a task, keeps its result, reports progress.
   *
   * @param onPart is given the result before it is kept, which takes a moment. Once it is, and the promise that `onPart`
   * returns has resolved, the memory of the result is freed
   */
  run(task: TaskLine, signal?: AbortSignal, onPart?: (part: Part) => Promise<void> | undefined): Promise<Part>
}

/**
 * @param detail tells apart plans that cut the object alike but look for different things
 * @param results that are there already. Default: those that an interrupted run kept
 */
export async function openStage(
  run: Run,
  tasks: readonly TaskLine[],
  detail = '',
  results?: ReadonlyMap<number, Part>,
): Promise<Stage> {
  const { format, object, storage, store, core, executor, onProgress, signal } = run
  const stage = tasks[0]?.stage ?? 'scan'
  const prefix = `${partsPrefix(run.indexUri)}${planKey(run, stage, detail)}/`
  const kept = results ?? (await keptParts(storage.store, prefix, tasks.length, core, signal))
  const size = tasks.reduce((sum, { range }) => sum + rangeLength(range), 0)
  const finished = tasks.filter(({ id }) => kept.has(id))
  const done = new Set(finished.map(({ id }) => id))
  let bytesDone = finished.reduce((sum, { range }) => sum + rangeLength(range), 0)
  const report = () =>
    onProgress?.({ stage, tasksDone: done.size, tasks: tasks.length, bytesDone, bytes: size })
  report()
  const environment = { ...storage, modules: [format.module] }
  return {
    kept,
    async run(task, taskSignal = signal, onPart) {
      const line = JSON.stringify(task)
      const result = await executor.run({ line }, environment, { signal: taskSignal })
      const bytes = result as Uint8Array<ArrayBuffer>
      const part = decodePart(bytes, core, object.uri)
      const used = onPart?.(part)
      // A single task is not worth keeping: it and the index would be written at the same moment.
      if (tasks.length > 1) {
        await store.write(`${prefix}${task.id}`, bytes, { signal: taskSignal, durable: false })
      }
      void used?.then(() => release(bytes))
      if (!done.has(task.id)) bytesDone += rangeLength(task.range)
      done.add(task.id)
      report()
      return part
    },
  }
}

/** Runs all tasks that have no kept result; all results, in order. */
export async function runAll(run: Run, tasks: readonly TaskLine[], detail?: string): Promise<Part[]> {
  const stage = await openStage(run, tasks, detail)
  const parts = new Map(stage.kept)
  await runConcurrently(
    tasks.filter(({ id }) => !parts.has(id)),
    lanes(run.executor),
    async (task, signal) => {
      parts.set(task.id, await stage.run(task, signal))
    },
    run.signal,
  )
  return tasks.map(({ id }) => parts.get(id) as Part)
}

/** Tasks under way at once: with several workers, some more than those, to have the next while results are kept. */
export function lanes({ concurrency }: Executor): number {
  return concurrency === 1 ? 1 : concurrency * 2
}

// Another object state, format version or chunk size makes other parts.
function planKey({ format, object, chunkSize, core }: Run, stage: string, detail: string): string {
  const { etag, size } = object
  const plan = JSON.stringify([etag, size, format.name, format.version, chunkSize, stage, detail])
  return `${core.crc32(new TextEncoder().encode(plan)).toString(16).padStart(8, '0')}-${size}-${chunkSize}-${stage}`
}
