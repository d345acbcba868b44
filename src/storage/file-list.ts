import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileError, isMissing } from './file-errors.js'
import { infoOf, isTemporaryName } from './file-info.js'
import { parseFileUri, pathToRead } from './file-path.js'
import type { ObjectInfo } from './store.js'
import { fileUri } from './uri.js'

/** Regular files whose URI starts with `prefix`, in the order of their URIs. A missing folder is empty. */
export async function* listFiles(
  location: string,
  root: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo, void, undefined> {
  signal?.throwIfAborted()
  const { uri: prefix, path } = parseFileUri(location, root)
  const start = path.endsWith(sep) ? path : dirname(path)
  try {
    if (root !== undefined) await pathToRead({ uri: prefix, path: start }, root)
    yield* walk(start, prefix, root, signal)
  } catch (error) {
    if (!isMissing(error)) throw fileError(error, prefix, 'read')
  }
}

async function* walk(
  folder: string,
  prefix: string,
  root: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo, void, undefined> {
  signal?.throwIfAborted()
  const entries = await readdir(folder, { withFileTypes: true })
  const named = entries
    .filter((entry) => !isTemporaryName(entry.name))
    .map((entry) => {
      const path = join(folder, entry.name)
      return { entry, path, uri: fileUri(path) + (entry.isDirectory() ? '/' : '') }
    })
    .filter(({ entry, uri }) => uri.startsWith(prefix) || (entry.isDirectory() && prefix.startsWith(uri)))
    // The slash of a folder counts: "a.txt" comes before "a/b". Encoded, so ASCII.
    .sort((a, b) => (a.uri < b.uri ? -1 : 1))
  for (const { entry, path, uri } of named) {
    signal?.throwIfAborted()
    try {
      if (entry.isDirectory()) yield* walk(path, prefix, root, signal)
      else if (await isReadable(entry, path, uri, root)) {
        const info = await stat(path, { bigint: true })
        if (info.isFile()) yield infoOf(uri, info)
      }
    } catch (error) {
      // Removed since the folder was read.
      if (!isMissing(error)) throw fileError(error, uri, 'read')
    }
  }
}

/** False for a symlink that leaves the root, and for what is no file at all. */
async function isReadable(
  entry: Dirent,
  path: string,
  uri: string,
  root: string | undefined,
): Promise<boolean> {
  if (entry.isFile()) return true
  if (!entry.isSymbolicLink()) return false
  return pathToRead({ uri, path }, root).then(
    () => true,
    () => false,
  )
}
