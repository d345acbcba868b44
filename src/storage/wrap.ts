import type { ReadableStore, Store } from './store.js'

/**
 * `store` with some members replaced; all others, `Symbol.asyncDispose` among them, stay those of `store`.
 * Members that `store` does not have are not added: a read-only store stays one.
 */
export function wrapStore<S extends ReadableStore>(store: S, members: Partial<Store>): S {
  return new Proxy(store, {
    get(target, name) {
      if (Object.hasOwn(members, name) && name in target) return Reflect.get(members, name)
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
