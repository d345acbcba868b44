import type { CloudObject } from '../cloud/cloud-object.js'
import { resolveStorage } from '../cloud/environment.js'
import { execute } from '../cloud/execute.js'
import { type Prepared, parseLine } from '../cloud/line.js'
import { mergeGzip, plannedCompression } from '../cloud/merge-gzip.js'
import { DEFAULT_SPAN, planGzipTasks } from '../cloud/plan-gzip.js'
import { prepare } from '../cloud/prepare.js'
import { buildFromParts, publishIndex } from '../cloud/preprocess.js'
import { parseResult, resultLine, type TaskResult } from '../cloud/result.js'
import { openSources } from '../cloud/sources.js'
import { DEFAULT_CHUNK_SIZE, DEFAULT_COMPRESSED_CHUNK_SIZE, planTasks } from '../cloud/task.js'
import { loadCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { displayUri } from '../storage/uri.js'
import { type Context, inputLines, openObject, write } from './context.js'

// Preprocessing with any engine that moves lines: `plan` makes tasks, `task` runs them anywhere and
// prints results, `merge` publishes the index.

export async function plan(context: Context): Promise<void> {
  const object = await openObject(context)
  const kind = plannedCompression(object)
  const { args } = context
  const { chunkSize = kind ? DEFAULT_COMPRESSED_CHUNK_SIZE : DEFAULT_CHUNK_SIZE } = args
  const tasks = kind
    ? planGzipTasks(object.format, object, { kind, span: args.span ?? DEFAULT_SPAN[kind], chunkSize }).tasks
    : planTasks(object.format, object, chunkSize, await prepareFor(object, context))
  for (const task of tasks) await write(context.stdout, `${JSON.stringify(task)}\n`)
}

export async function task(context: Context): Promise<void> {
  const { store } = resolveStorage({ storage: context.args.storage })
  for await (const line of inputLines(context)) {
    const task = parseLine(line)
    if (task.kind !== 'task') {
      throw new DataplugError(
        'INVALID_SLICE',
        `a ${task.kind} line is not a task; read it with "dataplug get"`,
        { uri: task.uri },
      )
    }
    const part = (await execute({ line }, { store, modules: [] }, context.signal)) as Uint8Array
    await write(context.stdout, `${JSON.stringify(resultLine(task, part))}\n`)
  }
}

export async function merge(context: Context): Promise<void> {
  const object = await openObject(context)
  const kind = plannedCompression(object)
  const results: TaskResult[] = []
  for await (const line of inputLines(context)) {
    const result = parseResult(line)
    checkResult(result, object)
    results[result.id] = result
  }
  const inOrder = wholePlan(results, object)
  const span = inOrder[0]?.span
  if (kind && span !== undefined) return mergeGzip(object, kind, span, inOrder, context.signal)
  const prepared = inOrder[0]?.prepared ?? (await prepareFor(object, context))
  const built = await buildFromParts(
    object.format,
    object,
    inOrder.map(({ bytes }) => bytes),
    prepared,
  )
  await publishIndex(object.format, object, object.indexUri, object.storage, built, {
    signal: context.signal,
    prepared,
  })
}

/** What all tasks agree on; in a merge for an empty object, whose plan has no tasks. */
async function prepareFor(object: CloudObject, { args, signal }: Context): Promise<Prepared | undefined> {
  const core = await loadCore()
  const sources = () => openSources(object.storage.store, object, core, signal)
  return prepare(object.format, sources, core, args.formatOptions, signal)
}

function checkResult({ id, uri, etag, format, version, span }: TaskResult, object: CloudObject): void {
  if (uri !== object.uri || etag !== object.etag) {
    throw new DataplugError(
      'OBJECT_CHANGED',
      `result ${id} is of ${displayUri(uri)} with ETag ${etag}, not of ${displayUri(object.uri)} with ${object.etag}`,
      { uri: object.uri },
    )
  }
  if (format !== object.format.name || version !== object.format.version) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `result ${id} is of format ${format} version ${version}, not ${object.format.name} version ${object.format.version}`,
      { uri },
    )
  }
  if ((span !== undefined) !== (object.compression !== undefined)) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `result ${id} is of an object that is ${span === undefined ? 'not ' : ''}compressed, unlike ${displayUri(uri)}; plan it anew`,
      { uri },
    )
  }
}

/** What the tasks of one plan have in common. */
function planOf(result: TaskResult | undefined): string {
  return JSON.stringify([result?.span, result?.prepared])
}

/** The results of all tasks of one plan, in order. @throws INVALID_ARGUMENT */
function wholePlan(
  results: readonly (TaskResult | undefined)[],
  { uri, size }: CloudObject,
): readonly TaskResult[] {
  const of = results.at(-1)?.of ?? 0
  const whole: TaskResult[] = []
  let end = 0
  for (let id = 0; id < Math.max(of, results.length); id++) {
    const result = results[id]
    if (!result) throw unusable(`the result of task ${id} of ${of} is missing; run it and merge again`)
    const isAlike = planOf(result) === planOf(results[0])
    if (result.of !== of || result.range[0] !== end || !isAlike)
      throw unusable(`result ${id} is of another plan than the others; merge the results of one plan`)
    end = result.range[1]
    whole.push(result)
  }
  if (of === 0 && size > 0) throw unusable('there are no results; run the tasks of a plan')
  return whole

  function unusable(what: string): DataplugError {
    return new DataplugError('INVALID_ARGUMENT', `${what} (${displayUri(uri)})`, { uri })
  }
}
