import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Executor } from '../../src/cloud/executor.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { Slice } from '../../src/cloud/slice.js'
import { UTF8Text } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import { type ReadableStore, readBytes } from '../../src/storage/store.js'

/** As threads, but here: tasks side by side, and so without knowing what is before them. */
export const sideBySide: Executor = { ...inThisThread, name: 'side by side', concurrency: 3 }

/** The smallest span that is allowed. */
export const SPAN = 64 << 10

/** Text that deflates like real text: words from a small vocabulary, lines of any length. */
export function makeText(seed: number, size: number): Buffer {
  let state = seed >>> 0 || 1
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
  const parts: string[] = []
  for (let length = 0; length < size; ) {
    const word = next() % 3 === 0 ? next().toString(36) : `word${next() % 500}`
    parts.push(word, next() % 9 === 0 ? '\n' : ' ')
    length += word.length + 1
  }
  return Buffer.from(parts.join('').slice(0, size))
}

export function openGzip(bytes: Uint8Array, store = memoryStore({ 'memory:t.gz': bytes })) {
  return CloudObject.open(UTF8Text, 'memory:t.gz', { store })
}

/** The bytes of the index that preprocessing makes. */
export async function indexOf(
  bytes: Uint8Array,
  executor: Executor,
  chunkSize: number,
  span = SPAN,
): Promise<Buffer> {
  const store = memoryStore({ 'memory:t.gz': bytes })
  await (await openGzip(bytes, store)).preprocess({ executor, chunkSize, span })
  return storedIndex(store)
}

/** The bytes of the index that lies beside `memory:t.gz`. */
export async function storedIndex(store: ReadableStore): Promise<Buffer> {
  const { size } = await store.head('memory:t.gz.dataplug')
  return Buffer.from(await readBytes(store, 'memory:t.gz.dataplug', [0, size]))
}

/** What revived copies of the slices read, one after the other. */
export async function contentOf(slices: readonly Slice[]): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const slice of slices) parts.push(await Slice.fromJSON(JSON.stringify(slice), slice.storage()).bytes())
  return Buffer.concat(parts)
}
