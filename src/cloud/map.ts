import { DataplugError } from '../errors.js'
import type { AnyFormat } from '../formats/format.js'
import type { CallOptions } from '../storage/store.js'
import type { Executor } from './executor.js'
import { formatOf } from './line.js'
import { runConcurrently } from './run-concurrently.js'
import type { Slice } from './slice.js'

/**
 * Applies the default export of `module` to every slice, wherever the executor runs: `(slice, { signal }) =>
 * result`. Results come back in the order of `slices`; they must survive a structured clone.
 *
 * @param module URL of the module, such as `new URL('./count-words.js', import.meta.url)`
 * @throws what the function throws, at its first failure; WORKER_FAILED when a worker dies
 */
export async function map<Result>(
  executor: Executor,
  slices: readonly Slice[],
  module: string | URL,
  options: CallOptions & { readonly onProgress?: (done: number, of: number) => void } = {},
): Promise<Result[]> {
  if (!Array.isArray(slices)) throw new DataplugError('INVALID_ARGUMENT', 'map() takes an array of slices')
  const results = new Array<Result>(slices.length)
  let done = 0
  await runConcurrently(
    slices.map((slice, i) => ({ slice, i })),
    executor.concurrency,
    async ({ slice, i }, signal) => {
      const line = slice.toJSON()
      const format: AnyFormat = await formatOf(line)
      const environment = { ...slice.storage(), modules: [format.module] }
      results[i] = (await executor.run({ line: JSON.stringify(line), module: String(module) }, environment, {
        signal,
      })) as Result
      options.onProgress?.(++done, slices.length)
    },
    options.signal,
  )
  return results
}
