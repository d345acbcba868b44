import { toBase64 } from '../base64.js'
import type { GzipFrom } from '../compression/gzip-scan.js'
import type { Part } from '../formats/format.js'
import { type GzipTaskResult, readGzipTask } from './gzip-task.js'
import type { TaskLine } from './line.js'
import { runConcurrently } from './run-concurrently.js'
import type { Stage } from './run-tasks.js'

/** Results of the tasks of a gzip object, which are asked for in order. */
export interface Results {
  /** @param from where the task's first block starts, as the tasks before tell; undefined for the first */
  get(task: TaskLine, from: GzipFrom | undefined): Promise<GzipTaskResult>
  /** Ends what is under way, and waits until it has. */
  stop(): Promise<void>
}

/** Each task knows what is before it. */
export function oneByOne(stage: Stage): Results {
  return {
    get: async (task, from) =>
      readGzipTask(stage.kept.get(task.id) ?? (await stage.run(knowing(task, from)))),
    stop: async () => {},
  }
}

/** The task, told where its first block starts. */
export function knowing(task: TaskLine, from: GzipFrom | undefined): TaskLine {
  return from ? { ...task, from: { bit: from.bit, window: toBase64(from.window) } } : task
}

export interface SideBySide {
  /** Tasks under way at once. */
  readonly lanes: number
  /**
   * Tasks left for the lane that runs the one asked for, which knows what is before it and so takes less time: with
   * some left, the next ones will be known, too, when it gets there. 0 when knowing makes no difference.
   */
  readonly reserve: number
  readonly signal: AbortSignal | undefined
}

/** Several tasks at once, in order but for those in reserve. A task that is not the one asked for knows nothing. */
export function sideBySide(
  stage: Stage,
  tasks: readonly TaskLine[],
  { lanes, reserve, signal }: SideBySide,
): Results {
  const finished = new Map<number, Part>(stage.kept)
  const taken = new Set(stage.kept.keys())
  const changes = announcer()
  /** The task asked for: those before are done with. */
  let front = 0
  /** Whether it is waited for; else those after it are being looked at. */
  let awaited = false
  let from: GzipFrom | undefined
  let failure: { readonly error: unknown } | undefined
  let running: Promise<void> | undefined
  const stopped = new AbortController()

  function pick(): TaskLine | undefined {
    let left: TaskLine | undefined
    let passed = 0
    for (let id = front; id < tasks.length; id++) {
      const isFree = !taken.has(id)
      if (isFree && (id === front || passed >= reserve)) return tasks[id]
      // Under way, or done, without knowing: nothing to wait for once it is the one asked for.
      if (!isFree && id !== front) continue
      passed++
      if (isFree) left = tasks[id]
    }
    return left
  }

  async function lane(laneSignal: AbortSignal): Promise<void> {
    for (let task = pick(); task; task = pick()) {
      const { id } = task
      const isKnown = reserve > 0 && awaited && id === front
      taken.add(id)
      await stage.run(isKnown ? knowing(task, from) : task, laneSignal, (part) => {
        finished.set(id, part)
        if (id === front) awaited = false
        changes.announce()
      })
      // What is to be known next is so in a moment.
      while (isKnown && !awaited && !stopped.signal.aborted) await changes.next()
    }
  }

  function start(): Promise<void> {
    const combined = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal
    const all = Array.from({ length: lanes })
    return runConcurrently(all, lanes, (_, laneSignal) => lane(laneSignal), combined).catch((error) => {
      failure = { error }
      changes.announce()
    })
  }

  return {
    async get({ id }, known) {
      front = id
      from = known
      awaited = !finished.has(id)
      changes.announce()
      running ??= start()
      while (!finished.has(id)) {
        if (failure) throw failure.error
        await changes.next()
      }
      const part = finished.get(id) as Part
      finished.delete(id)
      return readGzipTask(part)
    },
    async stop() {
      stopped.abort()
      changes.announce()
      await running
    },
  }
}

/** Tells all who wait that something has changed. */
function announcer() {
  let waiting: (() => void)[] = []
  return {
    announce() {
      const all = waiting
      waiting = []
      for (const resolve of all) resolve()
    },
    next: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
      }),
  }
}
