import {
  type ByteStream,
  isListable,
  isWritable,
  type ReadableStore,
  writeContent,
} from '../storage/store.js'
import { wrapStore } from '../storage/wrap.js'

/** A store for several users, and the means to close it. */
export interface SharedStore {
  readonly store: ReadableStore
  /** Closes the store as soon as nothing is under way; does not wait for that. */
  close(): Promise<void>
}

export function sharedStore(inner: ReadableStore): SharedStore {
  let underWay = 0
  let closing = false
  const dispose = async () => {
    if (Symbol.asyncDispose in inner) await (inner as ReadableStore & AsyncDisposable)[Symbol.asyncDispose]()
  }
  const ended = () => {
    underWay--
    if (closing && underWay === 0) void dispose()
  }
  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    underWay++
    try {
      return await run()
    } finally {
      ended()
    }
  }
  async function* stream<T>(run: () => AsyncIterable<T>): AsyncGenerator<T> {
    underWay++
    try {
      yield* run()
    } finally {
      ended()
    }
  }
  const store = wrapStore(inner, {
    head: (uri, options) => call(() => inner.head(uri, options)),
    read: (uri, range, options): ByteStream => stream(() => inner.read(uri, range, options)),
    ...(isWritable(inner) && {
      write: (uri, bytes, options) => call(() => inner.write(uri, bytes, options)),
      writeContent: (uri, content, options) => call(() => writeContent(inner, uri, content, options)),
      remove: (uri, options) => call(() => inner.remove(uri, options)),
    }),
    ...(isListable(inner) && { list: (prefix, options) => stream(() => inner.list(prefix, options)) }),
  })
  return {
    store,
    async close() {
      closing = true
      if (underWay === 0) await dispose()
    },
  }
}
