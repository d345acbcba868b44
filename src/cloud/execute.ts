import { loadCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import type { Environment, Work } from './executor.js'
import { parseLine } from './line.js'
import { Slice } from './slice.js'
import { runTask } from './task.js'

/** A user's own function over slices: the default export of the module given to `map`. */
export type SliceFunction<Result = unknown> = (
  slice: Slice,
  context: { readonly signal: AbortSignal | undefined },
) => Result | Promise<Result>

/** What every worker does with a unit of work, in whatever host it runs. */
export async function execute(
  { line, module }: Work,
  { store, modules }: Pick<Environment, 'store' | 'modules'>,
  signal?: AbortSignal,
): Promise<unknown> {
  signal?.throwIfAborted()
  for (const url of modules) await importModule(url)
  const parsed = parseLine(line)
  if (parsed.kind === 'task') {
    if (module)
      throw new DataplugError('INVALID_ARGUMENT', 'a function is mapped over slices, not over tasks', {
        uri: parsed.uri,
      })
    return runTask(parsed, store, await loadCore(), signal)
  }
  const slice = new Slice(parsed, { store })
  if (module === undefined) return slice.get({ signal })
  const { default: userFunction } = (await importModule(module)) as { default?: unknown }
  if (typeof userFunction !== 'function') {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `${module} has no function as its default export; map() calls that`,
    )
  }
  return (userFunction as SliceFunction)(slice, { signal })
}

async function importModule(url: string): Promise<unknown> {
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ url)
  } catch (cause) {
    throw new DataplugError(
      'MISSING_DEPENDENCY',
      `the module ${url} cannot be imported: ${(cause as Error).message}`,
      { cause },
    )
  }
}
