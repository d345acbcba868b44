import { CloudObject } from '../../src/cloud/cloud-object.js'
import { UTF8Text } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import type { ReadableStore } from '../../src/storage/store.js'

/** Yields bytes in pieces of `length`, to put every edge of a search between two pieces. */
export function piecemeal(length: number) {
  return <S extends ReadableStore>(store: S): S => ({
    ...store,
    async *read(...args: Parameters<S['read']>) {
      for await (const chunk of store.read(...(args as Parameters<ReadableStore['read']>))) {
        for (let at = 0; at < chunk.length; at += length) yield chunk.subarray(at, at + length)
      }
    },
  })
}

export async function openText(
  data: Uint8Array,
  wrap: <S extends ReadableStore>(store: S) => S = (store) => store,
): Promise<CloudObject<typeof UTF8Text>> {
  return CloudObject.open(UTF8Text, 'memory:text', { store: wrap(memoryStore({ 'memory:text': data })) })
}

/** Counts what is asked of a store. */
export function counting<S extends ReadableStore>(inner: S): { store: S; requests: number; bytes: number } {
  const counts = { store: inner, requests: 0, bytes: 0 }
  counts.store = {
    ...inner,
    async *read(...args: Parameters<S['read']>) {
      counts.requests++
      for await (const chunk of inner.read(...(args as Parameters<ReadableStore['read']>))) {
        counts.bytes += chunk.length
        yield chunk
      }
    },
  }
  return counts
}
