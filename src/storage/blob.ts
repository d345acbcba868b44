import { DataplugError } from '../errors.js'
import { checkRange } from '../range.js'
import { objectChanged } from './answer.js'
import type { ObjectInfo, ReadableStore } from './store.js'

// Each piece costs a message to the browser process; 4 MiB make that cost small.
const PIECE = 4 << 20

/**
 * One `Blob` or `File`, read in place, under the URI `blob:<name>`. The ETag is made of size and, for a file,
 * the time of its last change; a file that changes after it was chosen fails with OBJECT_CHANGED.
 *
 * @param name default: the file's own name, or `blob`
 */
export function blobStore(blob: Blob, name?: string): ReadableStore {
  const uri = blobUri(blob, name)
  const changed = 'lastModified' in blob ? Number(blob.lastModified) : 0
  const info: ObjectInfo = {
    uri,
    size: blob.size,
    etag: `"${blob.size.toString(16)}-${changed.toString(16)}"`,
  }
  const check = (asked: string) => {
    if (asked !== uri)
      throw new DataplugError('NOT_FOUND', `${asked} is not here; this store has ${uri}`, { uri: asked })
  }
  return {
    async head(asked, options) {
      options?.signal?.throwIfAborted()
      check(asked)
      return info
    },
    async *read(asked, range, { signal, ifMatch, onInfo } = {}) {
      signal?.throwIfAborted()
      checkRange(range, Number.POSITIVE_INFINITY, asked)
      const [start, end] = range
      if (start === end) return
      check(asked)
      if (ifMatch !== undefined && ifMatch !== info.etag) throw objectChanged(uri, ifMatch, info.etag)
      checkRange(range, info.size, uri)
      onInfo?.(info)
      for (let at = start; at < end; at += PIECE) {
        let piece: Uint8Array
        try {
          piece = new Uint8Array(await blob.slice(at, Math.min(at + PIECE, end)).arrayBuffer())
        } catch (cause) {
          throw new DataplugError('OBJECT_CHANGED', `${uri} can no longer be read; choose the file again`, {
            uri,
            offset: at,
            cause,
          })
        }
        signal?.throwIfAborted()
        yield piece
      }
    },
  }
}

/** The URI under which `blobStore(blob, name)` knows its blob. */
export function blobUri(blob: Blob, name?: string): string {
  return `blob:${name ?? ('name' in blob ? String(blob.name) : 'blob')}`
}
