import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DataplugError } from '../../errors.js'
import { authorise } from './auth.js'
import { isBucketName } from './bucket-name.js'
import { type CorsRule, OPEN_CORS } from './cors.js'
import type { RequestRecord } from './exchange.js'
import { type FaultRule, faultPlan } from './faults.js'
import { handle, type Service } from './handle.js'
import { diskBackend } from './objects-disk.js'
import { memoryBackend } from './objects-memory.js'
import { type S3Credentials, signingKeys, UNSIGNED } from './sigv4.js'
import type { ServerState } from './state.js'

export interface S3ServerOptions {
  /** Default: any free port. */
  readonly port?: number
  /** Default `127.0.0.1`: reachable from this machine alone. */
  readonly host?: string
  /** Where objects are kept. Default: in memory. Created when it is missing. */
  readonly directory?: string
  /** Default: a fixed pair, which the server object shows. `false`: signatures are neither needed nor checked. */
  readonly credentials?: S3Credentials | false
  /** When given, signatures for any other region are refused. */
  readonly region?: string
  readonly faults?: readonly FaultRule[]
  /** Buckets to create, unless they are there. */
  readonly buckets?: readonly string[]
  /** For every bucket without a configuration of its own. `true`: any page may read and write. Default: none. */
  readonly cors?: boolean | readonly CorsRule[]
}

export interface S3Server extends AsyncDisposable {
  /** Base URL, such as `http://127.0.0.1:7480`. Buckets go into the path. */
  readonly endpoint: string
  readonly port: number
  /** Credentials that work. */
  readonly credentials: S3Credentials
  /** Every request so far, in order of arrival. Set its length to 0 to forget them. */
  readonly requests: RequestRecord[]
  addFault(rule: FaultRule): void
  clearFaults(): void
  /** Ends all connections at once. Objects on disk stay. */
  close(): Promise<void>
}

const CREDENTIALS: S3Credentials = { accessKeyId: 'dataplug', secretAccessKey: 'dataplug-secret' }

/**
 * An S3 server for tests and demos, with faults on demand. What it does and does not know is in
 * docs/testing.md. It keeps the process alive until it is closed.
 *
 * @throws INVALID_ARGUMENT for a bucket name that S3 does not allow, NETWORK when the port cannot be had
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { port = 0, host = '127.0.0.1', directory, credentials = CREDENTIALS, region } = options
  const wrong = options.buckets?.find((bucket) => !isBucketName(bucket))
  if (wrong !== undefined) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `"${wrong}" is not a bucket name: 3 to 63 of a-z, 0-9, "." and "-"`,
    )
  }
  const state: ServerState = {
    backend: directory === undefined ? memoryBackend() : diskBackend(directory),
    uploads: new Map(),
    cors: new Map(),
  }
  for (const bucket of options.buckets ?? []) {
    if (!state.backend.hasBucket(bucket)) state.backend.createBucket(bucket)
  }
  const keyOf = signingKeys(credentials === false ? '' : credentials.secretAccessKey)
  const service: Service = {
    state,
    faults: faultPlan(options.faults),
    requests: [],
    cors: options.cors === true ? OPEN_CORS : options.cors || [],
    authorise: (request) =>
      credentials === false
        ? { payload: request.header('x-amz-content-sha256') ?? UNSIGNED }
        : authorise(request, { credentials, keyOf, region }),
  }
  const server = createServer((message, response) => void handle(service, message, response))
  // Idle connections stay until close(): a client that reuses one must never meet its end by chance.
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  await listen(server, port, host)
  const { port: actual } = server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }).then(() => state.backend.close())
    return closing
  }
  return {
    endpoint: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    port: actual,
    credentials: credentials === false ? CREDENTIALS : credentials,
    requests: service.requests,
    addFault: service.faults.add,
    clearFaults: service.faults.clear,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new DataplugError('NETWORK', `The S3 server cannot listen on ${host}:${port}: ${cause.message}`, {
          cause,
        }),
      )
    })
    server.listen(port, host, resolve)
  })
}
