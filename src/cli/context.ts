import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { CloudObject } from '../cloud/cloud-object.js'
import { resolveStorage } from '../cloud/environment.js'
import { contentHead } from '../compression/content-head.js'
import { DataplugError } from '../errors.js'
import type { AnyFormat } from '../formats/format.js'
import { detectFormat, findFormat } from '../formats/registry.js'
import { readBytes } from '../storage/store.js'
import { canonicalUri } from '../storage/uri.js'
import type { Arguments } from './arguments.js'

/** What a command gets: its arguments and the three streams, so that tests can pass their own. */
export interface Context {
  readonly args: Arguments
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly signal: AbortSignal
}

/** The `position`-th operand, which `checkOperands` has seen. */
export function operand({ args }: Context, position: number): string {
  return args.operands[position] as string
}

/** @throws INVALID_ARGUMENT naming what is missing or too much */
export function checkOperands({ command, operands }: Arguments, expected: string): void {
  const names = expected.split(' ').filter((name) => name !== '')
  const missing = names[operands.length]
  if (missing !== undefined)
    throw new DataplugError('INVALID_ARGUMENT', `${command} needs ${missing}; see dataplug --help`)
  const extra = operands[names.length]
  if (extra === undefined) return
  const hint =
    names.length === 0 && command !== 'formats'
      ? `; lines come from standard input: dataplug ${command} < FILE`
      : ''
  throw new DataplugError(
    'INVALID_ARGUMENT',
    `${command} takes ${expected || 'no operand'}, not "${extra}" too${hint}`,
  )
}

/** Opens the object that the first operand names, in the format given or found. */
export async function openObject(context: Context): Promise<CloudObject> {
  const { args, signal } = context
  const location = operand(context, 0)
  const options = { storage: args.storage, metadata: args.metadata, signal }
  const format = args.format === undefined ? await detect(location, context) : await findFormat(args.format)
  return CloudObject.open(format, location, options)
}

async function detect(location: string, { args, signal }: Context): Promise<AnyFormat> {
  const uri = canonicalUri(location)
  return detectFormat(uri, async () => {
    const { store } = resolveStorage({ storage: args.storage })
    const { size, etag } = await store.head(uri, { signal })
    // Enough for a few deflate blocks, of which the first may be long.
    const head = await readBytes(store, uri, [0, Math.min(size, 64 << 10)], { signal, ifMatch: etag })
    return contentHead(head, 4096)
  })
}

/** Imports the modules named by --plugin: paths, URLs or package names seen from the working directory. */
export async function loadPlugins(plugins: readonly string[]): Promise<void> {
  for (const plugin of plugins) {
    try {
      await import(await pluginUrl(plugin))
    } catch (cause) {
      throw new DataplugError(
        'MISSING_DEPENDENCY',
        `the plugin ${plugin} cannot be imported: ${(cause as Error).message}`,
        { cause },
      )
    }
  }
}

async function pluginUrl(plugin: string): Promise<string> {
  if (/^[a-z][a-z0-9+.-]+:/i.test(plugin)) return plugin
  if (plugin.startsWith('.') || plugin.startsWith('/')) return pathToFileURL(resolve(plugin)).href
  const { createRequire } = await import('node:module')
  return pathToFileURL(createRequire(resolve('package.json')).resolve(plugin)).href
}

/** Non-empty lines of standard input. @throws the signal's reason */
export async function* inputLines({ stdin, signal }: Context): AsyncGenerator<string> {
  signal.throwIfAborted()
  // The signal closes the interface, which looks like the end of input: without it a wait for lines would go on.
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY, signal })
  for await (const line of lines) {
    signal.throwIfAborted()
    if (line.trim() !== '') yield line
  }
  signal.throwIfAborted()
}

/** Writes and waits while the reader is slower. */
export async function write(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  if (stream.write(chunk)) return
  await new Promise<void>((done, failed) => {
    const settle = (error?: Error | null) => {
      stream.off('drain', settle)
      stream.off('close', settle)
      stream.off('error', settle)
      if (error) failed(error)
      else done()
    }
    stream.on('drain', settle)
    stream.on('close', settle)
    stream.on('error', settle)
  })
}
