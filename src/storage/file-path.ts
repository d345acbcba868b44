import { mkdir, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataplugError } from '../errors.js'
import { canonicalUri, fileUri, scheme } from './uri.js'

/** A file's two names: canonical URI and path. */
export interface FileName {
  readonly uri: string
  readonly path: string
}

/** @throws INVALID_URI */
export function parseFileUri(location: string, root: string | undefined): FileName {
  const uri =
    scheme(location) === undefined ? fileUri(location, root && resolve(root)) : canonicalUri(location)
  let path: string
  try {
    path = fileURLToPath(uri)
  } catch (cause) {
    throw new DataplugError('INVALID_URI', `${location} is not the URI of a local file`, {
      uri: location,
      cause,
    })
  }
  if (path.includes('\0'))
    throw new DataplugError('INVALID_URI', `${location} has a NUL byte`, { uri: location })
  if (root !== undefined) checkInside(resolve(root), path, uri)
  return { uri, path }
}

function checkInside(root: string, path: string, uri: string): void {
  const way = relative(root, path)
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw new DataplugError('INVALID_URI', `${uri} leaves ${root}, which storage.file.root forbids`, { uri })
  }
}

/**
 * The path to open. Below a root, symlinks are resolved first, and must not lead out of it.
 *
 * @throws INVALID_URI, and errors of the file system
 */
export async function pathToRead({ uri, path }: FileName, root: string | undefined): Promise<string> {
  if (root === undefined) return path
  const [realRoot, real] = await Promise.all([realpath(root), realpath(path)])
  checkInside(realRoot, real, uri)
  return real
}

/**
 * The path to write, below a root with its folder's symlinks resolved; folders that are missing are made when
 * `create` is set. A symlink in the last place is not followed: writing replaces it.
 *
 * @throws INVALID_URI, and errors of the file system
 */
export async function pathToWrite(
  { uri, path }: FileName,
  root: string | undefined,
  create: boolean,
): Promise<string> {
  const directory = dirname(path)
  if (root === undefined) {
    if (create) await mkdir(directory, { recursive: true })
    return path
  }
  if (create) await mkdir(root, { recursive: true })
  const realRoot = await realpath(root)
  if (create) {
    // Before a folder is made through a symlink, see where it leads.
    checkInside(realRoot, await realpathOfExisting(directory), uri)
    await mkdir(directory, { recursive: true })
  }
  const real = await realpath(directory)
  checkInside(realRoot, real, uri)
  return join(real, path.slice(directory.length + (directory.endsWith(sep) ? 0 : 1)))
}

async function realpathOfExisting(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const parent = dirname(path)
    if (parent === path || !(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      throw error
    return realpathOfExisting(parent)
  }
}
