#!/usr/bin/env node
// The command line: dispatch, errors and exit codes. The commands are in cli/.
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { parseArguments } from './cli/arguments.js'
import { type Context, checkOperands, loadPlugins } from './cli/context.js'
import { describeError } from './cli/describe-error.js'
import { usage } from './cli/usage.js'
import { DataplugError } from './errors.js'
import './index.js'

type Command = (context: Context) => Promise<void>

const local = async () => import('./cli/commands.js')
const interop = async () => import('./cli/index-files.js')
const distributed = async () => import('./cli/map-reduce.js')

/** What the command takes, as its usage names it, and where it is. */
const commands: Readonly<Record<string, readonly [operands: string, load: () => Promise<Command>]>> = {
  info: ['URI', async () => (await local()).info],
  preprocess: ['URI', async () => (await local()).preprocess],
  partition: ['URI STRATEGY', async () => (await local()).partition],
  get: ['', async () => (await local()).get],
  verify: ['URI', async () => (await local()).verify],
  clean: ['URI', async () => (await local()).clean],
  'index export': ['URI', async () => (await interop()).exportIndex],
  'index import': ['URI FILE', async () => (await interop()).importIndex],
  formats: ['', async () => (await local()).formats],
  plan: ['URI', async () => (await distributed()).plan],
  task: ['', async () => (await distributed()).task],
  merge: ['URI', async () => (await distributed()).merge],
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
    const command = Object.hasOwn(commands, args.command) ? commands[args.command] : undefined
    if (!command) {
      throw new DataplugError(
        'INVALID_ARGUMENT',
        `there is no command "${args.command}"; see dataplug --help`,
      )
    }
    const [operands, load] = command
    checkOperands(args, operands)
    await loadPlugins(args.plugins)
    await (await load())({ args, ...streams, signal })
    return 0
  } catch (error) {
    // A reader such as `head` that has seen enough is no error.
    if ((error as NodeJS.ErrnoException)?.code === 'EPIPE') return 0
    const facts = describeError(error, signal)
    streams.stderr.write(json ? `${JSON.stringify({ error: facts })}\n` : `dataplug: ${facts.message}\n`)
    return 1
  }
}

// The SDK would warn about Node's version on standard error, where one line is to say what went wrong.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

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
// After an error there may be more to read, and the process would wait for it.
stdin.destroy()
