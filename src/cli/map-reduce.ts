import { resolveStorage } from '../cloud/environment.js'
import { execute } from '../cloud/execute.js'
import { parseLine } from '../cloud/line.js'
import { buildFromParts, publishIndex } from '../cloud/preprocess.js'
import { parseResult, resultLine } from '../cloud/result.js'
import { DEFAULT_CHUNK_SIZE, planTasks } from '../cloud/task.js'
import { DataplugError } from '../errors.js'
import { type Context, inputLines, openObject, write } from './context.js'

// Preprocessing with any engine that moves lines: `plan` makes tasks, `task` runs them anywhere and
// prints results, `merge` publishes the index.

export async function plan(context: Context): Promise<void> {
  const object = await openObject(context)
  for (const task of planTasks(object.format, object, context.args.chunkSize ?? DEFAULT_CHUNK_SIZE)) {
    await write(context.stdout, `${JSON.stringify(task)}\n`)
  }
}

export async function task(context: Context): Promise<void> {
  const { store } = resolveStorage({ storage: context.args.storage })
  for await (const line of inputLines(context)) {
    const { kind, uri, etag, id, of } = parseLine(line)
    if (kind !== 'task')
      throw new DataplugError('INVALID_SLICE', `a ${kind} line is not a task; read it with "dataplug get"`, {
        uri,
      })
    const part = (await execute({ line }, { store, modules: [] }, context.signal)) as Uint8Array
    await write(context.stdout, `${JSON.stringify(resultLine({ uri, etag, id, of }, part))}\n`)
  }
}

export async function merge(context: Context): Promise<void> {
  const object = await openObject(context)
  const parts = new Map<number, Uint8Array>()
  let of = 0
  for await (const line of inputLines(context)) {
    const result = parseResult(line)
    if (result.uri !== object.uri || result.etag !== object.etag) {
      throw new DataplugError(
        'OBJECT_CHANGED',
        `result ${result.id} is of ${result.uri} with ETag ${result.etag}, not of ${object.uri} with ${object.etag}`,
        { uri: object.uri },
      )
    }
    of = result.of
    parts.set(result.id, result.bytes)
  }
  const missing = Array.from({ length: of }, (_, id) => id).find((id) => !parts.has(id))
  if (missing !== undefined || (of === 0 && object.size > 0)) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `the result of task ${missing ?? 0} of ${of} is missing; run it and merge again`,
      { uri: object.uri },
    )
  }
  const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)
  const built = await buildFromParts(object.format, object, inOrder)
  await publishIndex(object.format, object, object.indexUri, object.storage, built, {
    signal: context.signal,
  })
}
