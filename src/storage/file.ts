import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'
import { DataplugError } from '../errors.js'
import { checkRange } from '../range.js'
import { objectChanged } from './answer.js'
import type { FileConfig } from './config.js'
import { fileError, isMissing } from './file-errors.js'
import { removeEmptyFolders } from './file-folders.js'
import { infoOf } from './file-info.js'
import { listFiles } from './file-list.js'
import { parseFileUri, pathToRead, pathToWrite } from './file-path.js'
import { pieces } from './file-pieces.js'
import { replaceFile } from './file-replace.js'
import type { CallOptions, Content, ObjectInfo, ReadOptions, Store, WriteOptions } from './store.js'

const WRITE_ATTEMPTS = 10

/**
 * Files, by path or `file:` URL. `ObjectInfo.uri` is always the canonical `file:///…` URL, so that a slice
 * made from a relative path also works from another directory. The ETag is made of size, time of last change
 * (ns) and inode. A file that changes, grows or shrinks while it is read fails with OBJECT_CHANGED; its last
 * piece is never delivered.
 *
 * With a `root`, nothing outside it can be named, not by `..` and not through a symlink, and relative paths
 * start there. Only regular files are read. Writing makes missing folders, and appears at once, whole.
 *
 * Listing leaves out symlinks to folders, which could run in circles.
 */
export function fileStore({ root, blocking = !isMainThread }: FileConfig = {}): Store {
  async function replace(
    location: string,
    content: Content,
    { signal, durable = true }: WriteOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted()
    const name = parseFileUri(location, root)
    for (let attempt = 1; ; attempt++) {
      try {
        const path = await pathToWrite(name, root, true)
        await replaceFile(path, (handle) => writeAll(handle, content, durable, signal), signal)
        return
      } catch (error) {
        // Another process may remove a folder that it sees empty (`removeEmptyFolders`) just after it was made.
        if (!isMissing(error) || attempt === WRITE_ATTEMPTS) throw fileError(error, name.uri, 'write')
      }
    }
  }

  return {
    async head(location, { signal } = {}) {
      signal?.throwIfAborted()
      const name = parseFileUri(location, root)
      const handle = await openFile(name.uri, pathToRead(name, root))
      try {
        return infoOf(name.uri, await handle.stat({ bigint: true }))
      } catch (error) {
        throw fileError(error, name.uri, 'read')
      } finally {
        await handle.close()
      }
    },

    async *read(location, range, { signal, ifMatch, onInfo, scratch, readAhead = false }: ReadOptions = {}) {
      signal?.throwIfAborted()
      const name = parseFileUri(location, root)
      const { uri } = name
      checkRange(range, Number.POSITIVE_INFINITY, uri)
      if (range[0] === range[1]) return
      const handle = await openFile(uri, pathToRead(name, root))
      try {
        const info = infoOf(uri, await handle.stat({ bigint: true }))
        if (ifMatch !== undefined && ifMatch !== info.etag) throw objectChanged(uri, ifMatch, info.etag)
        checkRange(range, info.size, uri)
        onInfo?.(info)
        let left = range[1] - range[0]
        for await (const piece of pieces(handle, range, scratch, blocking && !readAhead)) {
          signal?.throwIfAborted()
          left -= piece.length
          if (left === 0) await checkUnchanged(handle, info)
          yield piece
        }
        if (left > 0) throw objectChanged(uri, info.etag)
      } catch (error) {
        throw fileError(error, uri, 'read')
      } finally {
        await handle.close()
      }
    },

    write: (location, bytes, options) =>
      replace(location, { length: bytes.length, pieces: () => [bytes] }, options),
    writeContent: (location, content, options) => replace(location, content, options),

    async remove(location, { signal }: CallOptions = {}) {
      signal?.throwIfAborted()
      const name = parseFileUri(location, root)
      try {
        const path = await pathToWrite(name, root, false)
        await unlink(path)
        await removeEmptyFolders(path)
      } catch (error) {
        if (!isMissing(error)) throw fileError(error, name.uri, 'write')
      }
    },

    list: (prefix, options) => listFiles(prefix, root, options?.signal),
  }
}

async function openFile(uri: string, path: Promise<string>): Promise<FileHandle> {
  let handle: FileHandle | undefined
  try {
    // Opening a FIFO would wait for its writer.
    handle = await open(await path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const stat = await handle.stat()
    if (stat.isFile()) return handle
    const what = stat.isDirectory() ? 'a directory' : 'a pipe, socket or device'
    throw new DataplugError('UNSUPPORTED', `${uri} is ${what}; only regular files can be read in ranges`, {
      uri,
    })
  } catch (error) {
    await handle?.close()
    throw fileError(error, uri, 'read')
  }
}

async function checkUnchanged(handle: FileHandle, info: ObjectInfo): Promise<void> {
  const now = infoOf(info.uri, await handle.stat({ bigint: true }))
  if (now.etag !== info.etag) throw objectChanged(info.uri, info.etag, now.etag)
}

/** Forced to the disk, too, when that is asked for. */
async function writeAll(
  handle: FileHandle,
  content: Content,
  durable: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const piece of content.pieces()) await handle.writeFile(piece, { signal })
  if (durable) await handle.sync()
}
