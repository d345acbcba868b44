import { DataplugError } from '../errors.js'
import { checkRange } from '../range.js'
import { objectChanged } from './answer.js'
import type { ObjectInfo, Store } from './store.js'
import { compareUtf8 } from './uri.js'

const PIECE = 1 << 20

/**
 * Objects in this process's memory, for tests and small examples. URIs are taken as they are, by custom
 * `memory:name`. ETags are hashes of the content. Chunks are views of the stored bytes: do not change them.
 *
 * @param objects by URI; strings are stored as UTF-8, bytes are copied
 */
export function memoryStore(objects: Readonly<Record<string, Uint8Array | string>> = {}): Store {
  const stored = new Map<string, { readonly bytes: Uint8Array; readonly info: ObjectInfo }>()
  const put = (uri: string, content: Uint8Array | string) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content)
    stored.set(uri, { bytes, info: { uri, size: bytes.length, etag: contentTag(bytes) } })
  }
  for (const [uri, content] of Object.entries(objects)) put(uri, content)

  const find = (uri: string) => {
    const object = stored.get(uri)
    if (!object) throw new DataplugError('NOT_FOUND', `${uri} does not exist in this memory store`, { uri })
    return object
  }
  return {
    async head(uri, options) {
      options?.signal?.throwIfAborted()
      return find(uri).info
    },
    async *read(uri, range, { signal, ifMatch, onInfo } = {}) {
      signal?.throwIfAborted()
      checkRange(range, Number.POSITIVE_INFINITY, uri)
      const [start, end] = range
      if (start === end) return
      const { bytes, info } = find(uri)
      if (ifMatch !== undefined && ifMatch !== info.etag) throw objectChanged(uri, ifMatch, info.etag)
      checkRange(range, info.size, uri)
      onInfo?.(info)
      for (let at = start; at < end; at += PIECE) {
        signal?.throwIfAborted()
        yield bytes.subarray(at, Math.min(at + PIECE, end))
      }
    },
    async write(uri, bytes, options) {
      options?.signal?.throwIfAborted()
      put(uri, bytes)
    },
    async remove(uri, options) {
      options?.signal?.throwIfAborted()
      stored.delete(uri)
    },
    async *list(prefix, options) {
      for (const uri of [...stored.keys()].filter((uri) => uri.startsWith(prefix)).sort(compareUtf8)) {
        options?.signal?.throwIfAborted()
        const object = stored.get(uri)
        if (object) yield object.info
      }
    },
  }
}

/** Not for adversaries, but equal content has equal tags and a change of one word always shows. */
function contentTag(bytes: Uint8Array<ArrayBuffer>): string {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  const mix = (value: number) => {
    a = Math.imul(a ^ value, 0x01000193)
    a ^= a >>> 15
    b = Math.imul(b ^ value, 0x5bd1e995)
    b ^= b >>> 13
  }
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
  for (let i = 0; i < words.length; i++) mix(words[i] as number)
  for (let i = words.length * 4; i < bytes.length; i++) mix(bytes[i] as number)
  return `"${(a >>> 0).toString(16)}${(b >>> 0).toString(16).padStart(8, '0')}-${bytes.length}"`
}
