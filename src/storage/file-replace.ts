// Node only.
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryName } from './file-info.js'

/**
 * Writes a file whole or not at all: beside, by `write`, then renamed over the old one.
 *
 * @throws the reason of `signal` when it is aborted before the file is there
 */
export async function replaceFile(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporary = join(dirname(path), temporaryName())
  try {
    const handle = await open(temporary, 'wx')
    try {
      await write(handle)
    } finally {
      await handle.close()
    }
    signal?.throwIfAborted()
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw signal?.aborted ? signal.reason : error
  }
}
