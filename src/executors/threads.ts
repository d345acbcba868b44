import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Piscina } from 'piscina'
import type { Executor } from '../cloud/executor.js'
import { coreModule } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { unwrapReply, type WorkerReply, type WorkerRequest } from './protocol.js'

export interface ThreadsOptions {
  /** Worker threads. Default: as many as the process may use at once. */
  readonly size?: number
  /** JavaScript heap of one worker in MiB; past it the worker ends and its work fails with WORKER_FAILED. */
  readonly maxHeapMiB?: number
}

/**
 * A pool of worker threads (Piscina). Each fetches its own bytes; this thread moves tasks and results only.
 * Threads start with the first work and end with `await using`, or after a while without work; an idle pool
 * does not keep the process alive.
 *
 * @throws INVALID_ARGUMENT when `size` is not an integer from 1 to 1024
 */
export function threads({ size = availableParallelism(), maxHeapMiB }: ThreadsOptions = {}): Executor {
  if (!Number.isSafeInteger(size) || size < 1 || size > 1024) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `threads: size must be an integer from 1 to 1024; got ${size}`,
    )
  }
  let pool: Promise<Piscina> | undefined
  let closed = false

  const start = async () => {
    const [{ Piscina: PiscinaPool }, wasm] = await Promise.all([import('piscina'), coreModule()])
    return new PiscinaPool({
      filename: fileURLToPath(new URL('./thread-worker.js', import.meta.url)),
      minThreads: 0,
      maxThreads: size,
      idleTimeout: 1000,
      workerData: { wasm },
      ...(maxHeapMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB } }),
    })
  }

  return {
    name: 'threads',
    concurrency: size,

    async run(work, { storage, modules }, options) {
      if (closed)
        throw new DataplugError('INVALID_ARGUMENT', 'this pool of threads has been disposed; make a new one')
      if (!storage) {
        throw new DataplugError(
          'UNSUPPORTED',
          'a store given as an object cannot be opened in another thread; pass "storage" options, or use inline()',
        )
      }
      options?.signal?.throwIfAborted()
      pool ??= start()
      const request: WorkerRequest = { work, storage, modules }
      let reply: WorkerReply
      try {
        reply = await (await pool).run(request, options?.signal ? { signal: options.signal } : {})
      } catch (error) {
        // Failures of the work itself come as replies; this is the pool's: an abort, or a worker's end.
        options?.signal?.throwIfAborted()
        throw workerFailed(error, work.line)
      }
      return unwrapReply(reply)
    },

    async [Symbol.asyncDispose]() {
      closed = true
      await (await pool)?.destroy()
    },
  }
}

function workerFailed(cause: unknown, line: string): DataplugError {
  const { uri, id } = JSON.parse(line) as { uri: string; id: number }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DataplugError(
    'WORKER_FAILED',
    `the worker thread failed on number ${id} of ${uri}: ${reason}; run it again, with fewer threads or smaller pieces if memory ran out`,
    { uri, cause },
  )
}
