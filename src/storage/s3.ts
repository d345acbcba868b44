import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { DataplugError } from '../errors.js'
import type { Range } from '../range.js'
import { onAbort } from './abort.js'
import { checkAnswer, objectChanged } from './answer.js'
import type { S3Config, TimeoutConfig } from './config.js'
import { deliver, probe } from './deliver.js'
import { withConcurrencyLimit } from './limit.js'
import { nodeBody } from './node-body.js'
import { createClient, endpointOf, type S3Sdk } from './s3-client.js'
import { type S3Call, s3Error } from './s3-errors.js'
import { failure, openScope, type RequestScope, withDefaults } from './scope.js'
import type { CallOptions, ObjectInfo, ReadOptions, Store } from './store.js'
import { parseS3Prefix, parseS3Uri } from './uri.js'

export interface S3StoreOptions extends S3Config {
  readonly timeouts?: TimeoutConfig | undefined
}

/** Bodies under way at most, unless configured. */
export const DEFAULT_SOCKETS = 50

const MISSING = 'The server must send Content-Range and ETag'

/** Slowest upload, in bytes per ms, that is not taken for a stalled one. */
const UPLOAD_RATE = 64

/**
 * Objects of Amazon S3 and servers that speak its language, by `s3://bucket/key`. Loads `@aws-sdk/client-s3`
 * on the first call. One call is one request: wrap it in `withRetry`. At most `maxSockets` bodies are open;
 * further reads wait (see `withConcurrencyLimit`).
 *
 * Dispose of it to end its requests and close its connections.
 */
export function s3Store(options: S3StoreOptions = {}): Store & AsyncDisposable {
  return withConcurrencyLimit(unlimitedS3Store(options), options.maxSockets ?? DEFAULT_SOCKETS)
}

/** As `s3Store`, with no limit but its pool of sockets. */
export function unlimitedS3Store(
  options: S3StoreOptions = {},
  load: () => Promise<S3Sdk> = () => import('@aws-sdk/client-s3'),
): Store & AsyncDisposable {
  const timeouts = withDefaults(options.timeouts)
  const endpoint = endpointOf(options)
  const closing = new AbortController()
  let opened: Promise<{ readonly sdk: S3Sdk; readonly client: S3Client }> | undefined

  const open = () => {
    opened ??= createClient(options, timeouts, load)
    return opened
  }

  /** Runs one request with a deadline, so that nothing between here and the headers can hang. */
  async function send<T>(
    scope: RequestScope,
    request: (
      sdk: S3Sdk,
      client: S3Client,
      options: { abortSignal: AbortSignal; requestTimeout: number },
    ) => Promise<T>,
    extraMs = 0,
  ): Promise<T> {
    const { sdk, client } = await open()
    const requestTimeout = timeouts.responseMs + extraMs
    scope.expect(timeouts.connectMs + requestTimeout, 'no answer')
    try {
      return await request(sdk, client, { abortSignal: scope.signal, requestTimeout })
    } finally {
      scope.relax()
    }
  }

  /** A request without a streamed body. */
  async function call<T>(
    about: S3Call,
    { signal }: CallOptions,
    request: Parameters<typeof send<T>>[1],
    extraMs?: number,
  ): Promise<T> {
    const scope = openScope(about.uri, signal, closing.signal)
    try {
      // The SDK looks at the signal only once it has credentials.
      return await scope.orEnd(send(scope, request, extraMs))
    } catch (error) {
      throw failure(scope, error, (cause) => s3Error(cause, about))
    } finally {
      scope.close()
    }
  }

  function read(uri: string, range: Range, readOptions: ReadOptions) {
    const { ifMatch } = readOptions
    const about: S3Call = { uri, operation: 'read', range, ifMatch, endpoint }
    return deliver(uri, range, readOptions, {
      idleMs: timeouts.idleMs,
      closing: closing.signal,
      async open(scope) {
        const { bucket: Bucket, key: Key } = parseS3Uri(uri)
        const Range = `bytes=${range[0]}-${range[1] - 1}`
        const output = await send(scope, (sdk, client, sendOptions) =>
          client.send(new sdk.GetObjectCommand({ Bucket, Key, Range, IfMatch: ifMatch }), sendOptions),
        )
        const body = output.Body
        if (!isNodeStream(body))
          throw new DataplugError('UNSUPPORTED', 'the S3 client gave no Node stream', { uri })
        const next = nodeBody(body)
        onAbort(scope.signal, () => body.destroy())
        const answer = {
          status: output.$metadata.httpStatusCode ?? 0,
          contentRange: output.ContentRange,
          contentLength: output.ContentLength,
          tags: () => (output.ETag === undefined ? [] : [output.ETag]),
        }
        return { info: checkAnswer(uri, range, ifMatch, answer, MISSING), next }
      },
      translate: (error, offset) => s3Error(error, about, offset),
    })
  }

  async function headOfEmpty(uri: string, options: CallOptions): Promise<ObjectInfo> {
    const { bucket: Bucket, key: Key } = parseS3Uri(uri)
    const output = await call({ uri, operation: 'read', endpoint }, options, (sdk, client, sendOptions) =>
      client.send(new sdk.HeadObjectCommand({ Bucket, Key }), sendOptions),
    )
    if (output.ContentLength !== 0 || output.ETag === undefined) throw objectChanged(uri, undefined)
    return { uri, size: 0, etag: output.ETag }
  }

  return {
    head: async (uri, options = {}) =>
      (await probe((range, onInfo) => read(uri, range, { ...options, onInfo }))) ?? headOfEmpty(uri, options),

    read: (uri, range, readOptions = {}) => read(uri, range, readOptions),

    async write(uri, bytes, options = {}) {
      const { bucket: Bucket, key: Key } = parseS3Uri(uri)
      await call(
        { uri, operation: 'write', endpoint },
        options,
        (sdk, client, sendOptions) =>
          client.send(
            new sdk.PutObjectCommand({ Bucket, Key, Body: bytes, ContentLength: bytes.length }),
            sendOptions,
          ),
        bytes.length / UPLOAD_RATE,
      )
    },

    async remove(uri, options = {}) {
      const { bucket: Bucket, key: Key } = parseS3Uri(uri)
      await call({ uri, operation: 'write', endpoint }, options, (sdk, client, sendOptions) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), sendOptions),
      )
    },

    async *list(prefix, options = {}) {
      const { bucket: Bucket, key: Prefix } = parseS3Prefix(prefix)
      let ContinuationToken: string | undefined
      do {
        const page = await call(
          { uri: prefix, operation: 'list', endpoint },
          options,
          (sdk, client, sendOptions) =>
            client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }), sendOptions),
        )
        for (const { Key, Size, ETag } of page.Contents ?? []) {
          if (Key === undefined || Size === undefined || ETag === undefined) continue
          yield { uri: `s3://${Bucket}/${Key}`, size: Size, etag: ETag }
        }
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
      } while (ContinuationToken !== undefined)
    },

    async [Symbol.asyncDispose]() {
      closing.abort(new DataplugError('INVALID_ARGUMENT', 'this S3 store was closed'))
      const { client } = (await opened?.catch(() => undefined)) ?? {}
      client?.destroy()
    },
  }
}

function isNodeStream(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'on' in body && 'destroy' in body
}
