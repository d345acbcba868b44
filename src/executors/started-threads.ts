import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'

export interface StartedThreads {
  /** Notes the threads that the pool started since the last call. */
  watch(pool: { readonly threads: Iterable<Worker> }): void
  /** Resolves when every thread noted so far has loaded its module, or has ended. Never rejects. */
  settled(): Promise<void>
}

/**
 * The threads that are loading their module. Node (22 and 24 at least) cannot end a thread safely meanwhile: within
 * a `require` of an ES module the whole process dies ("IsGraphAsync must be used on an instantiated module"),
 * within an `import()` the thread sometimes never ends. So no thread is ended before it has loaded, and the
 * process, whose exit ends its threads, is kept alive until then.
 */
export function startedThreads(): StartedThreads {
  const known = new WeakSet<Worker>()
  const loading = new Set<Promise<void>>()

  async function load(thread: Worker): Promise<void> {
    thread.ref()
    const controller = new AbortController()
    const { signal } = controller
    // Piscina's threads send their first message when they have loaded. A thread that failed emits "error" first,
    // which the pool itself answers.
    await Promise.race([once(thread, 'message', { signal }), once(thread, 'exit', { signal })]).catch(
      () => undefined,
    )
    controller.abort()
    thread.unref()
  }

  return {
    watch({ threads }) {
      for (const thread of threads) {
        if (known.has(thread)) continue
        known.add(thread)
        const loaded = load(thread).then(() => {
          loading.delete(loaded)
        })
        loading.add(loaded)
      }
    },

    async settled() {
      while (loading.size > 0) await Promise.all(loading)
    },
  }
}
