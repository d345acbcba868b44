import { toBase64 } from '../base64.js'
import type { GzipFrom } from '../compression/gzip-scan.js'
import type { Part } from '../formats/format.js'
import { type GzipTaskResult, readGzipTask } from './gzip-task.js'
import type { TaskLine } from './line.js'
import { runConcurrently } from './run-concurrently.js'
import type { Stage } from './run-tasks.js'

/** Results of the tasks of a gzip object, which are asked for in order. */
export interface Results {
  /**
   * @param task as it is to be run when what is before it is known
   * @param from where its first block starts, as the tasks before tell; undefined for the first
   */
  get(task: TaskLine, from: GzipFrom | undefined): Promise<GzipTaskResult>
  /** Frees the memory of a task's result that was got. */
  release(task: TaskLine): void
  /** What the format finds in a task that was run without knowing, run once more when there is time. */
  scanLater(task: TaskLine): Promise<Part | null | undefined>
  /** After the last task was asked for: waits for what is under way, or put off. Others are not begun. */
  finish(): Promise<void>
  /** Ends what is under way, and waits until it has. */
  stop(): Promise<void>
}

/** The task, told where its first block starts. */
export function knowing(task: TaskLine, from: GzipFrom | undefined): TaskLine {
  return from ? { ...task, from: { bit: from.bit, window: toBase64(from.window) } } : task
}

export interface Schedule {
  /** Tasks under way at once. */
  readonly lanes: number
  /**
   * Tasks left for the lane that runs the one asked for, which knows what is before it and so takes less time: with
   * some left, the next ones will be known, too, when it gets there. 0 when knowing makes no difference; with Infinity
   * no lane goes ahead.
   */
  readonly reserve: number
  readonly signal: AbortSignal | undefined
}

interface Job {
  readonly task: TaskLine
  /** It is the one asked for, and knows what is before it. */
  readonly isFront?: boolean
  /** Takes the result of a task that is run once more. */
  readonly found?: (part: Part) => void
}

/**
 * Runs the task asked for, which knows what is before it, and others ahead of it, which know nothing: in order but for
 * those in reserve.
 */
export function scheduleTasks(
  stage: Stage,
  tasks: readonly TaskLine[],
  { lanes, reserve, signal }: Schedule,
): Results {
  const finished = new Map<number, Part>(stage.kept)
  const taken = new Set(stage.kept.keys())
  /** Frees results that were run here, by task. */
  const releases = new Map<number, () => void>()
  const changes = announcer()
  /** The task asked for, and what is known of it: those before are done with. */
  let asked: TaskLine | undefined
  let from: GzipFrom | undefined
  /** Whether it is waited for; else those after it are being looked at. */
  let awaited = false
  const later: Job[] = []
  let complete = false
  let failure: { readonly error: unknown } | undefined
  let running: Promise<void> | undefined
  const stopped = new AbortController()
  const isAsked = ({ id }: TaskLine) => id === asked?.id
  const isOver = () => failure !== undefined || stopped.signal.aborted

  /** The next of those that go ahead: the first behind the reserve, or the last in it. */
  function pickAhead(): TaskLine | undefined {
    let left: TaskLine | undefined
    let passed = 0
    for (let i = asked?.id ?? 0; i < tasks.length; i++) {
      const task = tasks[i] as TaskLine
      const isFree = !taken.has(task.id)
      if (isFree && passed >= reserve) return task
      // Under way, or done, without knowing: nothing to wait for once it is the one asked for.
      if (!isFree && !isAsked(task)) continue
      passed++
      if (isFree) left = task
    }
    return left
  }

  function pick(): Job | undefined {
    if (reserve > 0 && asked && awaited && !taken.has(asked.id)) {
      return { task: knowing(asked, from), isFront: true }
    }
    const again = later.shift()
    if (again) return again
    const task = complete || reserve === Number.POSITIVE_INFINITY ? undefined : pickAhead()
    return task && { task }
  }

  async function run({ task, isFront, found }: Job, laneSignal: AbortSignal): Promise<void> {
    taken.add(task.id)
    await stage.run(task, laneSignal, (part) => {
      if (found) {
        found(part)
        return undefined
      }
      finished.set(task.id, part)
      if (isAsked(task)) awaited = false
      changes.announce()
      return new Promise((resolve) => releases.set(task.id, resolve))
    })
    // What is to be known next is so in a moment.
    while (isFront && !awaited && !complete && !isOver()) await changes.next()
  }

  async function lane(laneSignal: AbortSignal): Promise<void> {
    try {
      while (!isOver()) {
        const job = pick()
        if (job) await run(job, laneSignal)
        else if (complete) return
        else await changes.next()
      }
    } catch (error) {
      // Idle lanes wait for this.
      fail(error)
      throw error
    }
  }

  function fail(error: unknown): void {
    failure ??= { error }
    changes.announce()
  }

  function start(): Promise<void> {
    const combined = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal
    const all = Array.from({ length: lanes })
    return runConcurrently(all, lanes, (_, laneSignal) => lane(laneSignal), combined).catch(fail)
  }

  return {
    async get(task, known) {
      asked = task
      from = known
      awaited = !finished.has(task.id)
      changes.announce()
      running ??= start()
      while (!finished.has(task.id)) {
        if (failure) throw failure.error
        await changes.next()
      }
      const part = finished.get(task.id) as Part
      finished.delete(task.id)
      return readGzipTask(part)
    },
    release({ id }) {
      releases.get(id)?.()
      releases.delete(id)
    },
    scanLater(task) {
      const found = new Promise<Part | null | undefined>((resolve) => {
        later.push({ task, found: (part) => resolve(readGzipTask(part).scanned) })
      })
      changes.announce()
      return found
    },
    async finish() {
      complete = true
      changes.announce()
      await running
      if (failure) throw failure.error
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
