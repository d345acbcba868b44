import { execute } from './execute.js'
import type { Executor } from './executor.js'

/** Runs work in the calling thread, one unit at a time. What `inline()` returns, and the default. */
export const inThisThread: Executor = {
  name: 'inline',
  concurrency: 1,
  run: (work, environment, options) => execute(work, environment, options?.signal),
  async [Symbol.asyncDispose]() {},
}
