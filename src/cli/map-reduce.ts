import type { CloudObject } from '../cloud/cloud-object.js'
import { resolveStorage } from '../cloud/environment.js'
import { execute } from '../cloud/execute.js'
import { type Prepared, parseLine } from '../cloud/line.js'
import { prepare } from '../cloud/prepare.js'
import { buildFromParts, publishIndex } from '../cloud/preprocess.js'
import { parseResult, resultLine } from '../cloud/result.js'
import { openSources } from '../cloud/sources.js'
import { DEFAULT_CHUNK_SIZE, planTasks } from '../cloud/task.js'
import { loadCore } from '../core/core.js'
import { DataplugError } from '../errors.js'
import { displayUri } from '../storage/uri.js'
import { type Context, inputLines, openObject, write } from './context.js'

// Preprocessing with any engine that moves lines: `plan` makes tasks, `task` runs them anywhere and
// prints results, `merge` publishes the index.

/** The object, for tasks that do not depend on each other. @throws UNSUPPORTED when it is compressed */
async function openPlain(context: Context): Promise<CloudObject> {
  const object = await openObject(context)
  if (object.compression === undefined) return object
  throw new DataplugError(
    'UNSUPPORTED',
    `${displayUri(object.uri)} is compressed, and the tasks of its plan depend on each other; use "dataplug preprocess"`,
    { uri: object.uri },
  )
}

export async function plan(context: Context): Promise<void> {
  const object = await openPlain(context)
  const { args, signal } = context
  const core = await loadCore()
  const sources = () => openSources(object.storage.store, object, core, signal)
  const prepared = await prepare(object.format, sources, core, args.formatOptions, signal)
  for (const task of planTasks(object.format, object, args.chunkSize ?? DEFAULT_CHUNK_SIZE, prepared)) {
    await write(context.stdout, `${JSON.stringify(task)}\n`)
  }
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
  const object = await openPlain(context)
  const results: Result[] = []
  for await (const line of inputLines(context)) {
    const result = parseResult(line)
    checkResult(result, object)
    results[result.id] = result
  }
  const inOrder = wholePlan(results, object)
  const prepared = inOrder[0]?.prepared ?? (await prepareNothing(object, context))
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

/** For an empty object, whose plan has no tasks. */
async function prepareNothing(object: CloudObject, { signal }: Context): Promise<Prepared | undefined> {
  const core = await loadCore()
  const sources = () => openSources(object.storage.store, object, core, signal)
  return prepare(object.format, sources, core, undefined, signal)
}

type Result = ReturnType<typeof parseResult>

function checkResult({ id, uri, etag, format, version }: Result, object: CloudObject): void {
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
}

/** The results of all tasks of one plan, in order. @throws INVALID_ARGUMENT */
function wholePlan(results: readonly (Result | undefined)[], { uri, size }: CloudObject): readonly Result[] {
  const of = results.at(-1)?.of ?? 0
  const whole: Result[] = []
  let end = 0
  for (let id = 0; id < Math.max(of, results.length); id++) {
    const result = results[id]
    if (!result) throw unusable(`the result of task ${id} of ${of} is missing; run it and merge again`)
    const others = JSON.stringify(results[0]?.prepared)
    if (result.of !== of || result.range[0] !== end || JSON.stringify(result.prepared) !== others)
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
