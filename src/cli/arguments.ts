import { parseArgs } from 'node:util'
import { DataplugError } from '../errors.js'
import type { StorageConfig } from '../storage/config.js'

const known = {
  format: { type: 'string' },
  metadata: { type: 'string' },
  endpoint: { type: 'string' },
  region: { type: 'string' },
  plugin: { type: 'string', multiple: true },
  'chunk-size': { type: 'string' },
  workers: { type: 'string' },
  force: { type: 'boolean' },
  'output-dir': { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

export interface Arguments {
  readonly command: string | undefined
  readonly operands: readonly string[]
  readonly format: string | undefined
  readonly metadata: string | undefined
  readonly storage: StorageConfig
  readonly plugins: readonly string[]
  readonly chunkSize: number | undefined
  readonly workers: number
  readonly force: boolean
  readonly outputDir: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly help: boolean
  readonly version: boolean
  /** Flags that are not the command line's own: a strategy's parameters, in camelCase. */
  readonly parameters: Readonly<Record<string, unknown>>
}

/** @throws INVALID_ARGUMENT when a flag lacks its value or has one it cannot have */
export function parseArguments(argv: readonly string[]): Arguments {
  const own: string[] = []
  const parameters: Record<string, unknown> = {}
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string
    const flag = /^--([^=]+)(?:=(.*))?$/s.exec(argument)
    const name = flag?.[1]
    const takesChunkSize = name === 'chunk-size' && argv.includes('partition')
    if (name === undefined || (Object.hasOwn(known, name) && !takesChunkSize)) {
      own.push(argument)
      const type =
        name !== undefined && Object.hasOwn(known, name) ? known[name as keyof typeof known].type : undefined
      if (type === 'string' && flag?.[2] === undefined && i + 1 < argv.length) own.push(argv[++i] as string)
      continue
    }
    const value = flag?.[2] ?? argv[++i]
    if (value === undefined) throw new DataplugError('INVALID_ARGUMENT', `--${name} needs a value`)
    parameters[camelCase(name)] = parameterValue(value)
  }

  const { values, positionals } = parseStrictly(own)
  const s3 = {
    ...(values.endpoint === undefined ? {} : { endpoint: values.endpoint }),
    ...(values.region === undefined ? {} : { region: values.region }),
  }
  return {
    command: positionals[0],
    operands: positionals.slice(1),
    format: values.format,
    metadata: values.metadata,
    storage: Object.keys(s3).length === 0 ? {} : { s3 },
    plugins: values.plugin ?? [],
    chunkSize: values['chunk-size'] === undefined ? undefined : size('chunk-size', values['chunk-size']),
    workers: values.workers === undefined ? 1 : size('workers', values.workers),
    force: values.force ?? false,
    outputDir: values['output-dir'],
    json: values.json ?? false,
    quiet: values.quiet ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
    parameters,
  }
}

function parseStrictly(args: string[]) {
  try {
    return parseArgs({ args, options: known, allowPositionals: true })
  } catch (cause) {
    throw new DataplugError('INVALID_ARGUMENT', `${(cause as Error).message}; see dataplug --help`, { cause })
  }
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1e3,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1e6,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1e9,
  tib: 1024 ** 4,
  tb: 1e12,
}

/** `64MiB`, `1.5 GB`, `1000` as a number; undefined when `text` is none of these. */
export function parseSize(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = match && UNITS[(match[2] ?? '').toLowerCase()]
  return match && unit !== undefined && unit !== null ? Number(match[1]) * unit : undefined
}

function size(name: string, text: string): number {
  const value = parseSize(text)
  if (value === undefined || !Number.isSafeInteger(value) || value < 1) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `--${name} must be a whole number from 1, such as 64MiB; got "${text}"`,
    )
  }
  return value
}

function parameterValue(text: string): unknown {
  const number = parseSize(text)
  if (number !== undefined) return number
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('[') || text.startsWith('{')) {
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }
  return text
}

function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
