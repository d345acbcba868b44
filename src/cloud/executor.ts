import type { StorageConfig } from '../storage/config.js'
import type { ReadableStore } from '../storage/store.js'

/** Where work runs needs to know: how objects are read there, and which modules define formats. */
export interface Environment {
  /** Used by executors that share this thread. */
  readonly store: ReadableStore
  /** Used by executors that do not: plain data from which the same store can be opened elsewhere. */
  readonly storage: StorageConfig | undefined
  /** Module URLs to import first, so that their formats are known. */
  readonly modules: readonly string[]
}

/**
 * One unit of work. `line` is a task or slice, the only thing that crosses machines; `module`, when
 * given, is the URL of a module whose default export is applied to the slice (see `map`).
 */
export interface Work {
  readonly line: string
  readonly module?: string
}

/**
 * Runs work somewhere. The result of a task is its encoded part (`Uint8Array`); that of a mapped slice is
 * what the user's function returned.
 */
export interface Executor extends AsyncDisposable {
  readonly name: string
  /** How many units it can usefully hold at once. */
  readonly concurrency: number
  /** @throws WORKER_FAILED when the worker, not the work, failed; else what the work threw. */
  run(
    work: Work,
    environment: Environment,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<unknown>
}
