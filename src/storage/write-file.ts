// Node only.
import type { FileHandle } from 'node:fs/promises'
import { DataplugError, isDataplugError } from '../errors.js'
import { fileError } from './file-errors.js'
import { parseFileUri, pathToWrite } from './file-path.js'
import { replaceFile } from './file-replace.js'
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
    const write = async (handle: FileHandle) => {
      for await (const piece of bytes) await handle.writeFile(piece)
    }
    await replaceFile(path, write, signal)
  } catch (error) {
    const known = fileError(error, target.uri, 'write')
    // A store would speak of the index.
    if (!isDataplugError(known, 'STORE_READ_ONLY') || known.uri !== target.uri) throw known
    const message = `no permission to write ${target.uri}`
    throw new DataplugError('STORE_READ_ONLY', message, { uri: target.uri, cause: error })
  }
}
