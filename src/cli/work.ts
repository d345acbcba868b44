import type { PreprocessOptions } from '../cloud/preprocess.js'
import { inline } from '../executors/inline.js'
import { threads } from '../executors/threads.js'
import type { JsonObject } from '../formats/format.js'
import type { Context } from './context.js'
import { progressReporter } from './progress.js'

/** Calls `run` with what the flags say of how an object is scanned, and ends the worker threads afterwards. */
export async function withWorkers(
  { args, stderr, signal }: Context,
  run: (options: PreprocessOptions<JsonObject>) => Promise<unknown>,
): Promise<void> {
  const executor = args.workers > 1 ? threads({ size: args.workers }) : inline()
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
