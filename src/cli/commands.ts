import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudObject } from '../cloud/cloud-object.js'
import { type IndexFile, verifySections } from '../cloud/index-file.js'
import { Slice } from '../cloud/slice.js'
import { verifyTiling } from '../cloud/verify.js'
import { DataplugError, isDataplugError } from '../errors.js'
import { definedStrategies } from '../formats/format.js'
import { findFormat, formatNames } from '../formats/registry.js'
import { type CompressionFacts, compressionFacts, compressionRows } from './compression-facts.js'
import { type Context, inputLines, openObject, operand, write } from './context.js'
import { formatBytes } from './progress.js'
import { withWorkers } from './work.js'

export async function info(context: Context): Promise<void> {
  const object = await openObject(context)
  const facts = {
    uri: object.uri,
    size: object.size,
    etag: object.etag,
    format: object.format.name,
    ...(await indexFacts(object, context)),
    strategies: definedStrategies(object.format.name).map(({ name }) => name),
  }
  if (context.args.json) return write(context.stdout, `${JSON.stringify(facts)}\n`)
  const rows: [string, string][] = [
    ['object', facts.uri],
    ['size', `${facts.size} bytes (${formatBytes(facts.size)})`],
    ['etag', facts.etag],
    ['format', facts.format],
    ...(facts.compression ? compressionRows(facts.compression) : []),
    ['index', facts.index === 'ready' ? object.indexUri : `${facts.index}: ${facts.reason ?? ''}`],
    ...Object.entries(facts.attributes ?? {}).map(([name, value]): [string, string] => [name, shown(value)]),
    ['strategies', facts.strategies.join(', ')],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) await write(context.stdout, `${name.padEnd(width)}  ${value}\n`)
}

/** An attribute in a row of its own. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

interface IndexFacts {
  readonly compression?: CompressionFacts
  readonly index: string
  readonly reason?: string
  readonly attributes?: object
}

async function indexFacts(object: CloudObject, { signal }: Context): Promise<IndexFacts> {
  const compression = async (index?: IndexFile) => {
    const facts = await compressionFacts(object, index, { signal })
    return facts ? { compression: facts } : {}
  }
  try {
    const index = object.index()
    return { ...(await compression(index)), index: 'ready', attributes: index.header.attributes }
  } catch (error) {
    if (!isDataplugError(error)) throw error
    const state = error.code === 'NOT_PREPROCESSED' ? 'none' : 'unusable'
    return { ...(await compression()), index: state, reason: error.message }
  }
}

export async function preprocess(context: Context): Promise<void> {
  const { args } = context
  // The thread has nothing else to do: see `FileConfig.blocking`.
  const storage = { ...args.storage, file: { ...args.storage.file, blocking: true } }
  await withWorkers(context, async (options) => {
    const object = await openObject({ ...context, args: { ...args, storage } })
    await object.preprocess({ ...options, force: args.force })
    if (!args.json) return
    await write(
      context.stdout,
      `${JSON.stringify({ index: object.indexUri, attributes: object.attributes })}\n`,
    )
  })
}

export async function partition(context: Context): Promise<void> {
  const { args, signal } = context
  const object = await openObject(context)
  const wanted = operand(context, 1)
  const strategies = definedStrategies(object.format.name)
  const strategy = strategies.find(({ name }) => name === wanted)
  if (!strategy) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `format ${object.format.name} has no strategy "${wanted}"; it has ${strategies.map(({ name }) => name).join(', ')}`,
    )
  }
  const used = new Set<string | symbol>()
  const parameters = new Proxy(args.parameters, {
    get(target, name) {
      used.add(name)
      return Reflect.get(target, name)
    },
  })
  const slices = await object.partition(strategy, parameters, { signal })
  const unused = Object.keys(args.parameters).filter((name) => !used.has(name))
  if (unused.length > 0)
    throw new DataplugError('INVALID_ARGUMENT', `${wanted} does not take ${unused.join(', ')}`)
  for (const slice of slices) await write(context.stdout, `${JSON.stringify(slice)}\n`)
}

export async function get(context: Context): Promise<void> {
  const { args, signal, stdout } = context
  if (args.outputDir !== undefined) await mkdir(args.outputDir, { recursive: true })
  const names = new Set<string>()
  for await (const line of inputLines(context)) {
    const slice = reviveSlice(line, context)
    if (args.outputDir === undefined) {
      for await (const chunk of slice.chunks({ signal })) await write(stdout, chunk)
      continue
    }
    const name = `slice-${String(slice.id).padStart(String(slice.of - 1).length, '0')}`
    if (names.has(name)) {
      throw new DataplugError(
        'INVALID_SLICE',
        `there are two slices number ${slice.id}, and both would be ${join(args.outputDir, name)}; get one partition at a time`,
        { uri: slice.uri },
      )
    }
    names.add(name)
    await writeWhole(join(args.outputDir, name), slice.chunks({ signal }))
  }
}

/** Under its own name once it is complete. */
async function writeWhole(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.partial`
  try {
    await writeFile(temporary, chunks)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

export async function verify(context: Context): Promise<void> {
  const { args, signal, stdin } = context
  const slices: Slice[] = []
  if (!(stdin as { isTTY?: boolean }).isTTY) {
    for await (const line of inputLines(context)) slices.push(reviveSlice(line, context))
  }
  const object = await openObject(context)
  const facts: Record<string, unknown> = { uri: object.uri, size: object.size }
  const index = indexUnlessNone(object, slices.length > 0)
  if (index) {
    await verifySections(index, { signal })
    facts.index = 'fits'
  }
  if (slices.length > 0) {
    const foreign = slices.find((slice) => slice.uri !== object.uri || slice.toJSON().etag !== object.etag)
    if (foreign) {
      throw new DataplugError(
        'OBJECT_CHANGED',
        `slice ${foreign.id} was cut from ${foreign.uri} with ETag ${foreign.toJSON().etag}, not from ${object.uri} with ${object.etag}`,
        { uri: object.uri },
      )
    }
    const tiling = await verifyTiling(slices, { signal })
    const [fault] = tiling.faults
    if (fault) {
      throw new DataplugError(
        'INVALID_SLICE',
        `the slices do not tile ${object.uri}: bytes ${fault.range[0]}-${fault.range[1]}, between slices ${fault.between.join(' and ')}, ` +
          `are ${fault.kind === 'lost' ? 'in no slice' : 'in two slices'} (${tiling.faults.length} such places)`,
        { uri: object.uri, offset: fault.range[0] },
      )
    }
    facts.slices = tiling.slices
    facts.empty = tiling.empty
    facts.tiling = 'exact'
  }
  if (args.json) return write(context.stdout, `${JSON.stringify(facts)}\n`)
  for (const [name, value] of Object.entries(facts))
    await write(context.stdout, `${name.padEnd(8)}${value}\n`)
}

/** The index; undefined when there is none and that may be. A stale or damaged one is an error all the same. */
function indexUnlessNone(object: CloudObject, mayBeNone: boolean): IndexFile | undefined {
  try {
    return object.index()
  } catch (error) {
    if (mayBeNone && isDataplugError(error, 'NOT_PREPROCESSED')) return undefined
    throw error
  }
}

export async function clean(context: Context): Promise<void> {
  const { args, signal } = context
  const { storage, metadata } = args
  await CloudObject.removeIndex(operand(context, 0), { storage, metadata, signal })
}

export async function formats(context: Context): Promise<void> {
  for (const name of formatNames()) {
    const { version, extensions = [] } = await findFormat(name)
    const strategies = definedStrategies(name).map((strategy) => strategy.name)
    await write(
      context.stdout,
      context.args.json
        ? `${JSON.stringify({ name, version, extensions, strategies })}\n`
        : `${name.padEnd(12)} ${extensions.join(' ').padEnd(24)} ${strategies.join(', ')}\n`,
    )
  }
}

function reviveSlice(line: string, { args }: Context): Slice {
  return Slice.fromJSON(line, { storage: args.storage })
}
