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
  /** What the format finds in a task that was run without knowing, run once more when there is time. */
  scanLater(task: TaskLine): Promise<Part | null | undefined>
  /** After the last task was asked for: waits for what is under way, or put off. Others are not begun. */
  finish(): Promise<void>
  /** Ends what is under way, and waits until it has. */
  stop(): Promise<void>
}

/** Each task knows what is before it. */
export function oneByOne(stage: Stage): Results {
  const run = async (task: TaskLine) => readGzipTask(await stage.run(task))
  return {
    async get(task, from) {
      const kept = stage.kept.get(task.id)
      const result = kept && readGzipTask(kept)
      // What several workers left may say nothing of the content.
      const isEnough = result && (task.content === undefined || result.scanned !== undefined)
      return isEnough ? result : run(knowing(task, from))
    },
    scanLater: async (task) => (await run(task)).scanned,
    finish: async () => {},
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

interface Job {
  readonly task: TaskLine
  /** It is the one asked for, and knows what is before it. */
  readonly isFront?: boolean
  /** Takes the result of a task that is run once more. */
  readonly found?: (part: Part) => void
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
  let asked: TaskLine | undefined
  /** Whether it is waited for; else those after it are being looked at. */
  let awaited = false
  const later: Job[] = []
  let complete = false
  let failure: { readonly error: unknown } | undefined
  let running: Promise<void> | undefined
  const stopped = new AbortController()
  const isOver = () => failure !== undefined || stopped.signal.aborted

  /** The next of those that go ahead: the first behind the reserve, or the last in it. */
  function pickAhead(): TaskLine | undefined {
    let left: TaskLine | undefined
    let passed = 0
    for (let id = front; id < tasks.length; id++) {
      const isFree = !taken.has(id)
      if (isFree && passed >= reserve) return tasks[id]
      // Under way, or done, without knowing: nothing to wait for once it is the one asked for.
      if (!isFree && id !== front) continue
      passed++
      if (isFree) left = tasks[id]
    }
    return left
  }

  function pick(): Job | undefined {
    if (reserve > 0 && asked && awaited && !taken.has(front)) return { task: asked, isFront: true }
    const again = later.shift()
    if (again) return again
    const task = complete ? undefined : pickAhead()
    return task && { task }
  }

  async function run({ task, isFront, found }: Job, laneSignal: AbortSignal): Promise<void> {
    const { id } = task
    taken.add(id)
    await stage.run(task, laneSignal, (part) => {
      if (found) return found(part)
      finished.set(id, part)
      if (id === front) awaited = false
      changes.announce()
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
      failure ??= { error }
      changes.announce()
      throw error
    }
  }

  function start(): Promise<void> {
    const combined = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal
    const all = Array.from({ length: lanes })
    return runConcurrently(all, lanes, (_, laneSignal) => lane(laneSignal), combined).catch((error) => {
      failure ??= { error }
      changes.announce()
    })
  }

  return {
    async get(task, from) {
      front = task.id
      asked = knowing(task, from)
      awaited = !finished.has(front)
      changes.announce()
      running ??= start()
      while (!finished.has(front)) {
        if (failure) throw failure.error
        await changes.next()
      }
      const part = finished.get(front) as Part
      finished.delete(front)
      return readGzipTask(part)
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
