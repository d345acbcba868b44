import { DataplugError } from '../errors.js'
import type { Json, JsonObject } from '../formats/format.js'
import type { StorageConfig } from '../storage/config.js'

const known = {
  format: 'text',
  metadata: 'text',
  endpoint: 'text',
  region: 'text',
  plugin: 'text',
  'chunk-size': 'text',
  workers: 'text',
  span: 'text',
  force: 'switch',
  'output-dir': 'text',
  output: 'text',
  from: 'text',
  to: 'text',
  json: 'switch',
  quiet: 'switch',
  help: 'switch',
  version: 'switch',
} as const

type Known = keyof typeof known

export interface Arguments {
  readonly command: string | undefined
  readonly operands: readonly string[]
  readonly format: string | undefined
  readonly metadata: string | undefined
  readonly storage: StorageConfig
  readonly plugins: readonly string[]
  readonly chunkSize: number | undefined
  readonly span: number | undefined
  readonly workers: number
  readonly force: boolean
  readonly outputDir: string | undefined
  readonly output: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly help: boolean
  readonly version: boolean
  /** Flags that are not the command line's own: a strategy's parameters or a format's options, in camelCase. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The same as a format's options; undefined when there are none. */
  readonly formatOptions: JsonObject | undefined
}

/** @throws INVALID_ARGUMENT for a flag that is unknown, lacks its value or has one it cannot have */
export function parseArguments(argv: readonly string[]): Arguments {
  const { operands, flags, others } = splitArguments(argv)
  // The commands for other programs' indexes are two words.
  const words = operands[0] === 'index' ? 2 : 1
  const command = operands.length === 0 ? undefined : operands.slice(0, words).join(' ')
  if (command === 'partition') {
    // Its own flag of that name is the strategy's.
    const chunkSize = flags.get('chunk-size')
    if (chunkSize) others.set('chunk-size', chunkSize.at(-1) as string)
    flags.delete('chunk-size')
  } else if (!TAKE_OPTIONS.has(command ?? '')) {
    for (const name of others.keys()) {
      throw new DataplugError('INVALID_ARGUMENT', `there is no flag --${name}; see dataplug --help`)
    }
  }
  const text = (name: Known) => flags.get(name)?.at(-1)
  const number = (name: Known) => {
    const value = text(name)
    return value === undefined ? undefined : size(name, value)
  }
  const [endpoint, region] = [text('endpoint'), text('region')]
  const parameters = Object.fromEntries(
    [...others].map(([name, value]): [string, Json] => [camelCase(name), parameterValue(value)]),
  )
  const s3 = { ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) }
  return {
    command,
    operands: operands.slice(words),
    format: text('format'),
    metadata: text('metadata'),
    storage: Object.keys(s3).length === 0 ? {} : { s3 },
    plugins: flags.get('plugin') ?? [],
    chunkSize: number('chunk-size'),
    span: number('span'),
    workers: number('workers') ?? 1,
    force: flags.has('force'),
    outputDir: text('output-dir'),
    output: text('output'),
    from: text('from'),
    to: text('to'),
    json: flags.has('json'),
    quiet: flags.has('quiet'),
    help: flags.has('help'),
    version: flags.has('version'),
    parameters,
    formatOptions: others.size === 0 ? undefined : parameters,
  }
}

/** Commands whose further flags are options of the format. */
const TAKE_OPTIONS: ReadonlySet<string> = new Set(['preprocess', 'plan', 'index import'])

const SHORT: Readonly<Record<string, string>> = { '-h': '--help', '-o': '--output' }

interface Split {
  readonly operands: string[]
  readonly flags: Map<Known, string[]>
  /** Flags that are not known here, which then have a value. */
  readonly others: Map<string, string>
}

function splitArguments(argv: readonly string[]): Split {
  const split: Split = { operands: [], flags: new Map(), others: new Map() }
  for (let i = 0; i < argv.length; i++) {
    const argument = SHORT[argv[i] as string] ?? (argv[i] as string)
    if (argument === '--') {
      split.operands.push(...argv.slice(i + 1))
      break
    }
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument)
    const name = match?.[1]
    if (name === undefined) {
      if (/^-./.test(argument)) {
        throw new DataplugError('INVALID_ARGUMENT', `there is no flag ${argument}; see dataplug --help`)
      }
      split.operands.push(argument)
      continue
    }
    const given = match?.[2]
    if (isKnown(name) && known[name] === 'switch') {
      if (given !== undefined)
        throw new DataplugError('INVALID_ARGUMENT', `--${name} takes no value; got "${given}"`)
      split.flags.set(name, [])
      continue
    }
    const value = given ?? argv[++i]
    if (value === undefined || (given === undefined && value.startsWith('--'))) {
      throw new DataplugError(
        'INVALID_ARGUMENT',
        isKnown(name) || split.operands[0] === 'partition' || TAKE_OPTIONS.has(split.operands[0] ?? '')
          ? `--${name} needs a value; see dataplug --help`
          : `there is no flag --${name}; see dataplug --help`,
      )
    }
    if (isKnown(name)) split.flags.set(name, [...(split.flags.get(name) ?? []), value])
    else split.others.set(name, value)
  }
  return split
}

function isKnown(name: string): name is Known {
  return Object.hasOwn(known, name)
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

function parameterValue(text: string): Json {
  const number = parseSize(text)
  if (number !== undefined) return number
  if (text === 'true' || text === 'false') return text === 'true'
  if (text.startsWith('[') || text.startsWith('{')) {
    try {
      return JSON.parse(text) as Json
    } catch {
      return text
    }
  }
  return text
}

function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
