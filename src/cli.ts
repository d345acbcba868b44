#!/usr/bin/env node
// The command line: dispatch, errors and exit codes. The commands are in cli/.
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { parseArguments } from './cli/arguments.js'
import { type Context, loadPlugins } from './cli/context.js'
import { usage } from './cli/usage.js'
import { isDataplugError } from './errors.js'
import './index.js'

type Command = (context: Context) => Promise<void>

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  info: async () => (await import('./cli/commands.js')).info,
  preprocess: async () => (await import('./cli/commands.js')).preprocess,
  partition: async () => (await import('./cli/commands.js')).partition,
  get: async () => (await import('./cli/commands.js')).get,
  verify: async () => (await import('./cli/commands.js')).verify,
  clean: async () => (await import('./cli/commands.js')).clean,
  formats: async () => (await import('./cli/commands.js')).formats,
  plan: async () => (await import('./cli/map-reduce.js')).plan,
  task: async () => (await import('./cli/map-reduce.js')).task,
  merge: async () => (await import('./cli/map-reduce.js')).merge,
}

interface Streams {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/** Runs one command line. @returns the exit code: 0, or 1 after one line on `stderr` */
async function main(argv: readonly string[], streams: Streams, signal: AbortSignal): Promise<number> {
  let json = argv.includes('--json')
  try {
    const args = parseArguments(argv)
    json = args.json
    if (args.version) {
      const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
        version: string
      }
      streams.stdout.write(`${version}\n`)
      return 0
    }
    if (args.help || args.command === undefined) {
      streams[args.help ? 'stdout' : 'stderr'].write(usage)
      return args.help ? 0 : 1
    }
    const load = Object.hasOwn(commands, args.command) ? commands[args.command] : undefined
    if (!load) {
      streams.stderr.write(`dataplug: there is no command "${args.command}"; see dataplug --help\n`)
      return 1
    }
    await loadPlugins(args.plugins)
    await (await load())({ args, ...streams, signal })
    return 0
  } catch (error) {
    // A reader such as `head` that has seen enough is no error.
    if ((error as NodeJS.ErrnoException)?.code === 'EPIPE') return 0
    if (signal.aborted && error === signal.reason) {
      streams.stderr.write(`dataplug: ${(error as Error).message}\n`)
      return 1
    }
    const facts = isDataplugError(error)
      ? error.toJSON()
      : { code: 'INTERNAL', message: String((error as Error)?.stack ?? error) }
    streams.stderr.write(json ? `${JSON.stringify({ error: facts })}\n` : `dataplug: ${facts.message}\n`)
    return 1
  }
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () =>
    interrupted.abort(new Error(`stopped by ${name}; finished work is kept, run it again to go on`)),
  )
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
})
const { stdin, stdout, stderr } = process
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr }, interrupted.signal)
