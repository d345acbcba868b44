import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Piscina } from 'piscina'
import type { Executor } from '../cloud/executor.js'
import { coreModule } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { onAbort } from '../storage/abort.js'
import { displayUri } from '../storage/uri.js'
import { describeWork, unwrapReply, type WorkerReply, type WorkerRequest } from './protocol.js'
import { openSlots } from './slots.js'
import { startedThreads } from './started-threads.js'

export interface ThreadsOptions {
  /** Worker threads. Default: as many as the process may use at once. */
  readonly size?: number
  /** JavaScript heap of one worker in MiB; past it the worker ends and its work fails with WORKER_FAILED. */
  readonly maxHeapMiB?: number
  /** Start all threads now, and keep them until the pool is disposed. Default: with the first work. */
  readonly eager?: boolean
}

// With less, V8 (of Node 22 and 24) cannot set up the thread, and ends the whole process instead.
const MIN_HEAP_MIB = 4

/** By default V8 lets the heap of what was made lately grow to 48 MiB in each thread, the longer the work goes on. */
const YOUNG_HEAP_MIB = 4

/**
 * A pool of worker threads (Piscina). Each fetches its own bytes; this thread moves tasks and results only.
 * Threads start with the first work, unless `eager`, and end with `await using`, or after a while without work; an idle
 * pool does not keep the process alive. Aborting work ends its thread, whatever that is doing; a thread that died
 * is replaced.
 *
 * @throws INVALID_ARGUMENT when `size` is not an integer from 1 to 1024, or `maxHeapMiB` not a number
 * from 4
 */
export function threads({
  size = availableParallelism(),
  maxHeapMiB,
  eager = false,
}: ThreadsOptions = {}): Executor {
  if (!Number.isSafeInteger(size) || size < 1 || size > 1024) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `threads: size must be an integer from 1 to 1024; got ${size}`,
    )
  }
  if (maxHeapMiB !== undefined && !(Number.isFinite(maxHeapMiB) && maxHeapMiB >= MIN_HEAP_MIB)) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `threads: maxHeapMiB must be a number from ${MIN_HEAP_MIB}; got ${maxHeapMiB}`,
    )
  }
  let pool: Promise<Piscina> | undefined
  let latest: Piscina | undefined
  let closed: DataplugError | undefined
  const loading = startedThreads()
  const running = new Set<AbortController>()
  // Piscina starts threads when work arrives, and none when one dies while work is queued: what waited for
  // that one would wait for ever. So it never gets more than it can start at once.
  const slots = openSlots(size)

  async function start(): Promise<Piscina> {
    const [{ Piscina: PiscinaPool }, wasm] = await Promise.all([import('piscina'), coreModule()])
    const started = new PiscinaPool({
      filename: fileURLToPath(new URL('./thread-worker.js', import.meta.url)),
      minThreads: eager ? size : 0,
      maxThreads: size,
      idleTimeout: 1000,
      recordTiming: false,
      workerData: { wasm },
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_HEAP_MIB,
        ...(maxHeapMiB !== undefined && { maxOldGenerationSizeMb: maxHeapMiB }),
      },
    })
    // A thread that dies before or after its work: on starting up, or of something its work left behind.
    // Work may be assigned to it already, and it is not told whose. The next work starts a new pool.
    latest = started
    started.on('error', async (cause) => {
      if (latest !== started) return
      pool = latest = undefined
      const lost = [...running]
      await loading.settled()
      for (const controller of lost) controller.abort(cause)
      void started.destroy()
    })
    // Emitted when a thread is ready, just before Piscina may start another one.
    started.on('workerCreate', () => queueMicrotask(() => loading.watch(started)))
    loading.watch(started)
    return started
  }

  async function submit(request: WorkerRequest, signal: AbortSignal | undefined): Promise<WorkerReply> {
    const controller = new AbortController()
    const forget = onAbort(signal, async () => {
      await loading.settled()
      controller.abort(signal?.reason)
    })
    running.add(controller)
    try {
      pool ??= start()
      const started = await pool
      if (closed) throw closed
      signal?.throwIfAborted()
      const reply = started.run(request, { signal: controller.signal })
      loading.watch(started)
      return (await reply.finally(() => loading.watch(started))) as WorkerReply
    } catch (error) {
      // Failures of the work itself come as replies; this is the pool's: an abort, or a thread's end.
      signal?.throwIfAborted()
      if (closed) throw closed
      throw workerFailed(controller.signal.aborted ? controller.signal.reason : error, request.work.line)
    } finally {
      running.delete(controller)
      forget()
    }
  }

  if (eager) {
    pool = start()
    // Whoever has work is told.
    pool.catch(() => undefined)
  }

  return {
    name: 'threads',
    concurrency: size,

    async run(work, { storage, modules }, options) {
      if (closed) throw closed
      if (!storage) {
        throw new DataplugError(
          'UNSUPPORTED',
          'a store given as an object cannot be opened in another thread; pass "storage" options, or use inline()',
        )
      }
      await slots.take(options?.signal)
      try {
        return unwrapReply(await submit({ work, storage, modules }, options?.signal))
      } finally {
        slots.give()
      }
    },

    async [Symbol.asyncDispose]() {
      closed ??= new DataplugError(
        'INVALID_ARGUMENT',
        'this pool of threads has been disposed; make a new one',
      )
      slots.close(closed)
      const started = await pool?.catch(() => undefined)
      await loading.settled()
      await started?.destroy()
    },
  }
}

function workerFailed(cause: unknown, line: string): DataplugError {
  const { uri, number } = describeWork(line)
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DataplugError(
    'WORKER_FAILED',
    `the worker thread failed on number ${number} of ${displayUri(uri)}: ${reason}; run it again, with fewer threads or smaller pieces if memory ran out`,
    { uri, cause },
  )
}
