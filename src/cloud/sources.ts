import { DataplugError, isDataplugError } from '../errors.js'
import type { Source, Sources } from '../formats/format.js'
import { checkRange } from '../range.js'
import { collect, isListable, type ObjectInfo, type ReadableStore } from '../storage/store.js'
import { siblingUri } from '../storage/uri.js'

/** An object as formats see it: pinned to `info.etag`, all reads under one signal. */
export function openSource(store: ReadableStore, info: ObjectInfo, signal?: AbortSignal): Source {
  const { uri, size, etag } = info
  const read: Source['read'] = (range, options) => {
    checkRange(range, size, uri)
    return store.read(uri, range, { signal, ...options, ifMatch: etag })
  }
  return {
    uri,
    size,
    etag,
    read,
    bytes: (range, options) => collect(read(range, options), range[1] - range[0]),
  }
}

export function openSources(store: ReadableStore, main: ObjectInfo, signal?: AbortSignal): Sources {
  return {
    main: openSource(store, main, signal),
    async sibling(name) {
      try {
        return openSource(store, await store.head(siblingUri(main.uri, name), { signal }), signal)
      } catch (error) {
        if (isDataplugError(error, 'NOT_FOUND')) return undefined
        throw error
      }
    },
    async *list() {
      if (!isListable(store)) {
        throw new DataplugError('UNSUPPORTED', `the store of ${main.uri} cannot list objects`, {
          uri: main.uri,
        })
      }
      for await (const info of store.list(main.uri.replace(/\/?$/, '/'), { signal }))
        yield openSource(store, info, signal)
    },
  }
}
