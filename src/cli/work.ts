import type { PreprocessOptions } from '../cloud/preprocess.js'
import { inline } from '../executors/inline.js'
import { threads } from '../executors/threads.js'
import { withThisThread } from '../executors/with-this-thread.js'
import type { JsonObject } from '../formats/format.js'
import type { Context } from './context.js'
import { progressReporter } from './progress.js'

/** Calls `run` with what the flags say of how an object is scanned, and ends the worker threads afterwards. */
export async function withWorkers(
  { args, stderr, signal }: Context,
  run: (options: PreprocessOptions<JsonObject>) => Promise<unknown>,
): Promise<void> {
  // Others than this one start while the object is opened.
  const executor =
    args.workers > 1 ? withThisThread(threads({ size: args.workers - 1, eager: true })) : inline()
  try {
    await run({
      executor,
      signal,
      onProgress: progressReporter(stderr, args),
      chunkSize: args.chunkSize,
      span: args.span,
      formatOptions: args.formatOptions,
    })
  } finally {
    await executor[Symbol.asyncDispose]()
  }
}
