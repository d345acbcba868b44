import type { Executor } from '../cloud/executor.js'
import { inThisThread } from '../cloud/in-this-thread.js'
import { DataplugError } from '../errors.js'
import { openSlots } from './slots.js'

/**
 * Work in `others`, and one unit at a time in this thread, which begins while those start. For a process that has nothing
 * else to do than this work. Ends `others` when it is disposed.
 */
export function withThisThread(others: Executor): Executor {
  const concurrency = others.concurrency + 1
  // What waits, waits here: for whichever is free first.
  const slots = openSlots(concurrency)
  let busy = false

  return {
    name: `${others.name} and inline`,
    concurrency,

    async run(work, environment, options) {
      await slots.take(options?.signal)
      const isHere = !busy
      if (isHere) busy = true
      try {
        return await (isHere ? inThisThread : others).run(work, environment, options)
      } finally {
        if (isHere) busy = false
        slots.give()
      }
    },

    async [Symbol.asyncDispose]() {
      slots.close(new DataplugError('INVALID_ARGUMENT', 'this executor has been disposed; make a new one'))
      await others[Symbol.asyncDispose]()
    },
  }
}
