import { type Store, writeContent } from './store.js'

/** A store that is made by the first call. */
export function loadedOnUse(load: () => Promise<Store>): Store {
  let loading: Promise<Store> | undefined
  const store = () => {
    loading ??= load()
    return loading
  }
  return {
    head: async (uri, options) => (await store()).head(uri, options),
    async *read(uri, range, options) {
      yield* (await store()).read(uri, range, options)
    },
    write: async (uri, bytes, options) => (await store()).write(uri, bytes, options),
    writeContent: async (uri, content, options) => writeContent(await store(), uri, content, options),
    remove: async (uri, options) => (await store()).remove(uri, options),
    async *list(prefix, options) {
      yield* (await store()).list(prefix, options)
    },
  }
}
