import { DataplugError, isDataplugError, isTransient } from '../errors.js'
import type { Range } from '../range.js'
import { sleep } from './abort.js'
import { objectChanged } from './answer.js'
import type { RetryConfig } from './config.js'
import { shortBody } from './deliver.js'
import {
  type CallOptions,
  isListable,
  isWritable,
  type ListableStore,
  type ObjectInfo,
  type ReadableStore,
  type ReadOptions,
  writeContent,
} from './store.js'
import { compareUtf8 } from './uri.js'
import { wrapStore } from './wrap.js'

/** Bytes that count as progress. Less would let a server that breaks off after every byte go on for ever. */
const PROGRESS = 1 << 16

/**
 * Repeats what fails for a passing reason (`isTransient`), after a random delay of up to `baseDelayMs`,
 * doubled with each failure up to `maxDelayMs`.
 *
 * A body that breaks or stalls is resumed from the byte it reached, pinned to the ETag first seen, so it is
 * never mixed from two states of the object. `attempts` count anew whenever another 64 KiB have arrived: a
 * read of n bytes sends at most `attempts × (1 + n / 65 536)` requests. A checksum that does not fit bytes
 * already delivered is final.
 *
 * The error thrown in the end is the last one, with its code.
 */
export function withRetry<S extends ReadableStore>(store: S, config: RetryConfig = {}): S {
  const { attempts = 5, baseDelayMs = 100, maxDelayMs = 10_000 } = config
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw new DataplugError('INVALID_ARGUMENT', `retry attempts must be an integer from 1; got ${attempts}`)
  }

  /** Waits before the next attempt. @throws the error, when there is none left */
  async function backOff(error: unknown, failures: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (!isTransient(error)) throw error
    if (failures >= attempts) throw attempts === 1 ? error : givenUp(error, attempts)
    await sleep(Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1)), signal)
  }

  async function repeat<T>(options: CallOptions | undefined, call: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await call()
      } catch (error) {
        await backOff(error, failures, options?.signal)
      }
    }
  }

  async function* read(uri: string, [start, end]: Range, options: ReadOptions = {}) {
    let offset = start
    let info: ObjectInfo | undefined
    let failures = 0
    let mark = start
    const onInfo = (seen: ObjectInfo) => {
      if (info === undefined) {
        info = seen
        options.onInfo?.(seen)
      } else if (info.etag !== seen.etag) throw objectChanged(uri, info.etag, seen.etag)
    }
    for (;;) {
      const from = offset
      try {
        const pinned = { ...options, ifMatch: info?.etag ?? options.ifMatch, onInfo }
        for await (const chunk of store.read(uri, [offset, end], pinned)) {
          offset += chunk.length
          yield chunk
        }
        if (offset >= end) return
        throw shortBody(uri, [from, end], offset)
      } catch (error) {
        options.signal?.throwIfAborted()
        // The range was inside the object when its size was first told.
        if (info && isDataplugError(error, 'RANGE_OUTSIDE_OBJECT')) throw objectChanged(uri, info.etag)
        if (offset > from && isDataplugError(error, 'CHECKSUM_MISMATCH')) throw error
        // Without an ETag a second request could be of another state.
        if (offset > start && info === undefined) throw error
        // Lost after its last byte: nothing is left to ask for.
        if (offset === end && isTransient(error)) return
        if (offset - mark >= PROGRESS) {
          mark = offset
          failures = 0
        }
        await backOff(error, ++failures, options.signal)
      }
    }
  }

  async function* list(store: ListableStore, prefix: string, options?: CallOptions) {
    let last: string | undefined
    let failures = 0
    for (;;) {
      try {
        for await (const info of store.list(prefix, options)) {
          if (last !== undefined && compareUtf8(info.uri, last) <= 0) continue
          last = info.uri
          failures = 0
          yield info
        }
        return
      } catch (error) {
        await backOff(error, ++failures, options?.signal)
      }
    }
  }

  return wrapStore(store, {
    read,
    head: (uri, options) => repeat(options, () => store.head(uri, options)),
    ...(isWritable(store) && {
      write: (uri, bytes, options) => repeat(options, () => store.write(uri, bytes, options)),
      writeContent: (uri, content, options) =>
        repeat(options, () => writeContent(store, uri, content, options)),
      remove: (uri, options) => repeat(options, () => store.remove(uri, options)),
    }),
    ...(isListable(store) && { list: (prefix, options) => list(store, prefix, options) }),
  })
}

function givenUp(error: unknown, attempts: number): unknown {
  if (!isDataplugError(error)) return error
  const { code, uri, offset, message } = error
  return new DataplugError(code, `${message} (given up after ${attempts} attempts)`, {
    uri,
    offset,
    cause: error,
  })
}
