// Node only.
import { open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DataplugError, isDataplugError } from '../errors.js'
import { fileError } from './file-errors.js'
import { temporaryName } from './file-info.js'
import { parseFileUri, pathToWrite } from './file-path.js'
import type { ByteStream, CallOptions } from './store.js'

/**
 * Writes a stream to a local file, which appears at once and whole, or not at all: it is written beside, then
 * renamed over what was there. Missing folders are made. Memory does not grow with the stream.
 *
 * @param file path or `file:` URL
 * @throws INVALID_URI, STORE_READ_ONLY without permission, STORE_FULL, UNSUPPORTED for a folder; and what `bytes` throws
 */
export async function writeFile(
  file: string | URL,
  bytes: ByteStream,
  { signal }: CallOptions = {},
): Promise<void> {
  signal?.throwIfAborted()
  const target = parseFileUri(String(file), undefined)
  try {
    const path = await pathToWrite(target, undefined, true)
    const temporary = join(dirname(path), temporaryName())
    try {
      const handle = await open(temporary, 'wx')
      try {
        for await (const piece of bytes) await handle.writeFile(piece)
      } finally {
        await handle.close()
      }
      signal?.throwIfAborted()
      await rename(temporary, path)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
  } catch (error) {
    const known = fileError(error, target.uri, 'write')
    // A store would speak of the index.
    if (!isDataplugError(known, 'STORE_READ_ONLY') || known.uri !== target.uri) throw known
    const message = `no permission to write ${target.uri}`
    throw new DataplugError('STORE_READ_ONLY', message, { uri: target.uri, cause: error })
  }
}
