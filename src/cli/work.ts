import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type { PreprocessOptions } from '../cloud/preprocess.js'
import { inline } from '../executors/inline.js'
import { threads } from '../executors/threads.js'
import { withThisThread } from '../executors/with-this-thread.js'
import type { JsonObject } from '../formats/format.js'
import { canonicalUri, indexUri } from '../storage/uri.js'
import { type Context, operand } from './context.js'
import { progressReporter } from './progress.js'

/** Bytes whose scan takes longer than threads take to start. */
const LARGE = 64 << 20

/**
 * Calls `run` with what the flags say of how the object that the first operand names is scanned, and ends the worker
 * threads afterwards. For a large file they start now, while it is being opened; else with the first work.
 */
export async function withWorkers(
  context: Context,
  run: (options: PreprocessOptions<JsonObject>) => Promise<unknown>,
): Promise<void> {
  const { args, stderr, signal } = context
  const eager = args.workers > 1 && isLargeFile(context)
  const report = progressReporter(stderr, args)
  const executor = args.workers > 1 ? withThisThread(threads({ size: args.workers - 1, eager })) : inline()
  try {
    await run({
      executor,
      signal,
      onProgress(progress) {
        keepYoungHeap()
        report(progress)
      },
      chunkSize: args.chunkSize,
      span: args.span,
      formatOptions: args.formatOptions,
    })
  } finally {
    await executor[Symbol.asyncDispose]()
  }
}

/** Whether the object is a large local file that is still to be scanned, as far as can be told without opening it. */
function isLargeFile(context: Context): boolean {
  const { args } = context
  try {
    const uri = canonicalUri(operand(context, 0))
    if (statSync(fileURLToPath(uri)).size < LARGE) return false
    return args.force || !existsSync(fileURLToPath(indexUri(uri, args.metadata)))
  } catch {
    // Not a file, or none that can be opened: whoever opens it says so.
    return false
  }
}

/**
 * This process does nothing else, and hardly anything it makes lives long: the heap of what was made lately may stay as it
 * is. V8 would double it time and again as long as work goes on, and asks the flag each time. It sets the flag back
 * whenever a thread starts.
 */
function keepYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
