import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { CompletedPart } from '@aws-sdk/client-s3'
import { DataplugError, isTransient } from '../errors.js'
import { type Range, rangeLength, splitBySize } from '../range.js'
import { onAbort, orAbort, sleep } from './abort.js'
import { objectChanged } from './answer.js'
import type { StorageConfig } from './config.js'
import { fileError } from './file-errors.js'
import { createClient, endpointOf } from './s3-client.js'
import { s3Error } from './s3-errors.js'
import { withDefaults } from './scope.js'
import type { UploadOptions } from './upload.js'
import { parseS3Uri } from './uri.js'

const PART_SIZE = 64 << 20
/** S3 has no more parts than this, and none but the last smaller than 5 MiB. */
const MAX_PARTS = 10_000
const MIB = 1 << 20
const LANES = 4
/** Slowest upload, in bytes per ms, that is not taken for a stalled one. */
const UPLOAD_RATE = 64

/** The file that is uploaded. */
export interface UploadSource {
  readonly uri: string
  readonly path: string
  /** Bytes. */
  readonly size: number
}

interface SendOptions {
  readonly abortSignal: AbortSignal
  readonly requestTimeout: number
}

/**
 * One PutObject, or a multipart upload of parts streamed from the file, four at once. The parts of an upload
 * that fails are removed.
 *
 * @param check called when all bytes are sent and before they become the object, where there are parts
 */
export async function uploadToS3(
  source: UploadSource,
  uri: string,
  config: StorageConfig,
  { signal, partSize: wanted }: UploadOptions,
  check: () => Promise<void>,
): Promise<void> {
  const { size } = source
  const { bucket: Bucket, key: Key } = parseS3Uri(uri)
  const timeouts = withDefaults(config.timeouts)
  const load = () => import('@aws-sdk/client-s3')
  const [sdk, { client }] = await Promise.all([load(), createClient(config.s3 ?? {}, timeouts, load)])
  const about = { uri, operation: 'write', endpoint: endpointOf(config.s3 ?? {}) } as const
  const { attempts = 5, baseDelayMs = 100, maxDelayMs = 10_000 } = config.retry ?? {}

  /** Repeats what fails for a passing reason, within the time that `bytes` may take. */
  async function send<T>(
    bytes: number,
    until: AbortSignal | undefined,
    request: (options: SendOptions, fail: (error: unknown) => void) => Promise<T>,
  ): Promise<T> {
    const requestTimeout = timeouts.responseMs + bytes / UPLOAD_RATE
    for (let failures = 1; ; failures++) {
      until?.throwIfAborted()
      const controller = new AbortController()
      const abort = (reason: unknown) => controller.abort(reason)
      const abortSignal = controller.signal
      const forget = onAbort(until, () => abort(until?.reason))
      try {
        return await orAbort(request({ abortSignal, requestTimeout }, abort), abortSignal)
      } catch (cause) {
        until?.throwIfAborted()
        const error = s3Error(cause, about)
        if (!isTransient(error) || failures >= attempts) throw error
        await sleep(Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1)), until)
      } finally {
        forget()
      }
    }
  }

  /** Sends a request with bytes of the file as its body. */
  async function sendRange<T>(
    [start, end]: Range,
    until: AbortSignal | undefined,
    request: (body: Readable | Uint8Array, options: SendOptions) => Promise<T>,
  ): Promise<T> {
    if (start === end) return send(0, until, (options) => request(new Uint8Array(0), options))
    return send(end - start, until, async (options, fail) => {
      const body = createReadStream(source.path, { start, end: end - 1, highWaterMark: MIB })
      // The SDK would wait for bytes that never come.
      body.on('error', (error) => fail(fileError(error, source.uri, 'read')))
      body.on('end', () => {
        if (body.bytesRead < end - start) fail(objectChanged(source.uri, undefined))
      })
      try {
        return await request(body, options)
      } finally {
        body.destroy()
      }
    })
  }

  async function putWhole(): Promise<void> {
    await sendRange([0, size], signal, (Body, options) =>
      client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ContentLength: size }), options),
    )
    await check()
  }

  async function putParts(partSize: number): Promise<void> {
    const { UploadId } = await send(0, signal, (options) =>
      client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }), options),
    )
    if (UploadId === undefined)
      throw new DataplugError('UNSUPPORTED', `${uri}: the server began no upload`, { uri })
    const ranges = splitBySize(size, partSize)
    const parts: CompletedPart[] = []
    const failed = new AbortController()
    const forget = onAbort(signal, () => failed.abort(signal?.reason))
    let next = 0
    const lane = async () => {
      for (let i = next++; i < ranges.length; i = next++) {
        const range = ranges[i] as Range
        const PartNumber = i + 1
        const { ETag } = await sendRange(range, failed.signal, (Body, options) => {
          const part = { Bucket, Key, UploadId, PartNumber, Body, ContentLength: rangeLength(range) }
          return client.send(new sdk.UploadPartCommand(part), options)
        })
        parts[i] = { PartNumber, ETag }
      }
    }
    try {
      const lanes = Array.from({ length: LANES }, () =>
        lane().catch((error: unknown) => {
          failed.abort(error)
          throw error
        }),
      )
      // All have ended before the parts are removed: one more could arrive afterwards.
      await Promise.allSettled(lanes)
      failed.signal.throwIfAborted()
      await check()
      await send(0, signal, (options) =>
        client.send(
          new sdk.CompleteMultipartUploadCommand({
            Bucket,
            Key,
            UploadId,
            MultipartUpload: { Parts: parts },
          }),
          options,
        ),
      )
    } catch (error) {
      // Parts that are left would be paid for. Whether they are or not, what failed is the first error.
      await send(0, undefined, (options) =>
        client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }), options),
      ).catch(() => {})
      throw error
    } finally {
      forget()
    }
  }

  try {
    const partSize = Math.max(wanted ?? PART_SIZE, Math.ceil(size / MAX_PARTS / MIB) * MIB)
    await (size <= partSize ? putWhole() : putParts(partSize))
  } finally {
    client.destroy()
  }
}
