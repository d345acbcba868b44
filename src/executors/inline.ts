import type { Executor } from '../cloud/executor.js'
import { inThisThread } from '../cloud/in-this-thread.js'

/** Runs work in the calling thread, one unit at a time. */
export function inline(): Executor {
  return inThisThread
}
