import { type Access, isAccess } from '../compression/access.js'
import { gunzipSource } from '../compression/gunzip-source.js'
import type { Core } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { Sources } from '../formats/format.js'
import { openSource, type Source } from '../storage/source.js'
import { isListable, type ObjectInfo, type ReadableStore } from '../storage/store.js'
import { siblingUri } from '../storage/uri.js'
import { readSection } from './index-file.js'

/** An object as formats see it: its content, when the line says how to get at it. */
export function openContent(
  store: ReadableStore,
  object: ObjectInfo & { readonly access?: Access },
  core: Core,
  signal?: AbortSignal,
): Source {
  const stored = openSource(store, object, signal)
  const { access } = object
  if (!access) return stored
  const { windows } = access
  return gunzipSource(stored, access, (range) => {
    if (!windows)
      throw new DataplugError(
        'INVALID_SLICE',
        `the slice of ${object.uri} does not say where its windows are`,
        { uri: object.uri },
      )
    return readSection(windows, range, store, core, { signal })
  })
}

export function openSources(
  store: ReadableStore,
  object: ObjectInfo & { readonly access?: Access },
  core: Core,
  signal?: AbortSignal,
): Sources {
  const { uri } = object
  return {
    main: openContent(store, object, core, signal),
    async sibling(name) {
      try {
        return openSource(store, await store.head(siblingUri(uri, name), { signal }), signal)
      } catch (error) {
        if (isDataplugError(error, 'NOT_FOUND')) return undefined
        throw error
      }
    },
    async *list() {
      if (!isListable(store)) {
        throw new DataplugError('UNSUPPORTED', `the store of ${uri} cannot list objects`, { uri })
      }
      for await (const info of store.list(uri.replace(/\/?$/, '/'), { signal }))
        yield openSource(store, info, signal)
    },
  }
}

/** The access of a line. @throws INVALID_SLICE when it does not have the documented shape */
export function checkAccess(
  value: unknown,
  { uri, size }: { readonly uri: string; readonly size: number },
): Access {
  if (isAccess(value, size)) return value
  throw new DataplugError('INVALID_SLICE', `the line for ${uri} has an "access" that is none`, { uri })
}
