// What the tests of whole paths share: an S3 server, storage options that reach it, and processes.
// These tests run the built package, as its users do: threads and the command line exist only there.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StorageConfig } from 'dataplug/storage'
import {
  type RequestRecord,
  type S3Server,
  type S3ServerOptions,
  sign,
  startS3Server,
} from 'dataplug/testing'
import { CHILD_LIMIT, LINGER_LIMIT } from '../limits.js'

export const root = new URL('../..', import.meta.url).pathname

export interface World extends AsyncDisposable {
  readonly server: S3Server
  /** Options with which the library reaches the server: few retries, no waiting between them. */
  readonly storage: StorageConfig
  /** The same for a child process, from its environment. */
  readonly env: Readonly<Record<string, string>>
  /** Stores an object in the bucket `data` and returns its URI. */
  put(key: string, body: Uint8Array | string): Promise<string>
  /** The bytes of an object of the bucket `data`; undefined when there is none. */
  get(key: string): Promise<Buffer | undefined>
  keys(bucket?: string): Promise<string[]>
  /** What the library asked for so far, in order. */
  requests(): RequestRecord[]
  /** The same as `GET data/key 0-99`. */
  log(): string[]
}

export async function startWorld(options: S3ServerOptions = {}): Promise<World> {
  const server = await startS3Server({ buckets: ['data', 'indexes'], ...options })
  const { endpoint, credentials } = server
  const request = async (method: string, bucket: string, key: string, body?: Uint8Array, query = {}) => {
    const signed = { ...query, 'x-id': 'test' }
    const { url, headers } = sign({
      method,
      endpoint,
      bucket,
      key,
      credentials,
      query: signed,
      ...(body && { body }),
    })
    const response = await fetch(url, { method, headers, ...(body && { body: new Uint8Array(body) }) })
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
  }
  const requests = () => server.requests.filter(({ query }) => !query.includes('x-id=test'))
  return {
    server,
    storage: {
      s3: { endpoint, region: 'us-east-1', credentials },
      retry: { attempts: 3, baseDelayMs: 1 },
    },
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    async put(key, body) {
      const { status, bytes } = await request('PUT', 'data', key, Buffer.from(body))
      if (status !== 200) throw new Error(`PUT ${key}: ${status} ${bytes}`)
      return `s3://data/${key}`
    },
    async get(key) {
      const { status, bytes } = await request('GET', 'data', key)
      return status === 200 ? bytes : undefined
    },
    async keys(bucket = 'data') {
      const { bytes } = await request('GET', bucket, '', undefined, { 'list-type': '2' })
      return [...bytes.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key as string)
    },
    requests,
    log: () =>
      requests().map(({ method, bucket, key, range = '' }) =>
        `${method} ${bucket}/${key} ${range.replace('bytes=', '')}`.trim(),
      ),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

export interface Wire extends AsyncDisposable {
  /** Leads to the server. */
  readonly endpoint: string
  /** Connections made so far. */
  connections(): number
  /** Until no connection is open. */
  idle(): Promise<void>
}

/** A way to the server on which connections can be counted. */
export async function openWire(server: S3Server): Promise<Wire> {
  const open = new Set<Socket>()
  let made = 0
  let closed = () => {}
  const listener = createServer((socket) => {
    made++
    open.add(socket)
    const onward = connect(server.port, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
    socket.on('close', () => {
      onward.destroy()
      open.delete(socket)
      if (open.size === 0) closed()
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    connections: () => made,
    idle: () =>
      new Promise((resolve) => {
        closed = resolve
        if (open.size === 0) resolve()
      }),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

/** A folder that is gone at the end of the block. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'dataplug-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** `lines` numbered lines of one to seven words; the same for the same `seed`. */
export function sampleText(lines: number, seed = 1): string {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  }
  const words = ['lorem', 'ipsum', 'dolor', 'sit', 'amet', 'Größe', '水', 'a']
  return Array.from({ length: lines }, (_, i) => {
    const count = 1 + (next() % 7)
    return `${i} ${Array.from({ length: count }, () => words[next() % words.length]).join(' ')}\n`
  }).join('')
}

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export interface Ended {
  /** `null` when a signal ended it. */
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string | Uint8Array
}

/** A Node process. `AWS_*` of this one stays outside; Node's own warnings stay visible. */
export function start(args: readonly string[], { env = {}, cwd = root }: RunOptions = {}): ChildProcess {
  const { PATH = '', HOME = '' } = process.env
  return spawn(process.execPath, args, { cwd, env: { PATH, HOME, ...env }, stdio: 'pipe' })
}

/** @throws when it does not end by itself, soon after its last output */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return ended(start(args, options), options)
}

export async function ended(child: ChildProcess, { stdin = '' }: RunOptions = {}): Promise<Ended> {
  const stdout: Buffer[] = []
  let stderr = ''
  let hung: string | undefined
  const endAfter = (milliseconds: number, since: string) =>
    setTimeout(() => {
      hung = `still running ${milliseconds} ms after ${since}`
      child.kill('SIGKILL')
    }, milliseconds)
  const timer = endAfter(CHILD_LIMIT, 'its start')
  let lingering: NodeJS.Timeout | undefined
  const heard = () => {
    clearTimeout(lingering)
    lingering = endAfter(LINGER_LIMIT, 'its last output')
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
    heard()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    heard()
  })
  // A process that has seen enough closes its input early.
  child.stdin?.on('error', () => {})
  child.stdin?.end(stdin)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(timer)
  clearTimeout(lingering)
  if (hung) throw new Error(`${hung}: ${child.spawnargs.join(' ')}\n${stderr}`)
  return { code, stdout: Buffer.concat(stdout), stderr }
}

/** The command line, as built. */
export const cli = (args: readonly string[], options?: RunOptions): Promise<Ended> =>
  run([join(root, 'dist/cli.js'), ...args], options)
