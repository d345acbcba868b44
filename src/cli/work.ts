import type { PreprocessOptions } from '../cloud/preprocess.js'
import { inline } from '../executors/inline.js'
import { threads } from '../executors/threads.js'
import { withThisThread } from '../executors/with-this-thread.js'
import type { JsonObject } from '../formats/format.js'
import type { Context } from './context.js'
import { progressReporter } from './progress.js'

/**
 * Calls `run` with what the flags say of how an object is scanned, and ends the worker threads afterwards.
 *
 * @param eager there will be work for them: they start now
 */
export async function withWorkers(
  { args, stderr, signal }: Context,
  eager: boolean,
  run: (options: PreprocessOptions<JsonObject>) => Promise<unknown>,
): Promise<void> {
  const executor = args.workers > 1 ? withThisThread(threads({ size: args.workers - 1, eager })) : inline()
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
