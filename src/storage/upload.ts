// Node only. Uploading is no part of a store: nothing but index objects is ever written through one.
import type { Stats } from 'node:fs'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DataplugError, isDataplugError } from '../errors.js'
import type { StorageConfig } from './config.js'
import { fileError } from './file-errors.js'
import { temporaryName } from './file-info.js'
import { parseFileUri, pathToWrite } from './file-path.js'
import { uploadToS3 } from './s3-upload.js'
import type { CallOptions } from './store.js'
import { canonicalUri, displayUri, scheme } from './uri.js'

export interface UploadOptions extends CallOptions {
  /** Bytes of one part of a larger object on S3, from 5 MiB. Default 64 MiB, more where 10 000 do not suffice. */
  readonly partSize?: number | undefined
}

/**
 * Makes a local file the object `uri` (`s3:`, `file:` or a path), whole or not at all; what was there is
 * replaced. Memory does not grow with the file.
 *
 * @throws NOT_FOUND, ACCESS_DENIED for the file or the bucket; STORE_READ_ONLY, STORE_FULL; OBJECT_CHANGED when
 * the file changes meanwhile; UNSUPPORTED where nothing can be uploaded; the transport codes
 */
export async function uploadFile(
  file: string | URL,
  uri: string,
  config: StorageConfig = {},
  options: UploadOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted()
  const source = parseFileUri(String(file), undefined)
  const before = await statFile(source)
  const kind = scheme(uri) ?? 'file'
  try {
    if (kind === 's3') {
      await uploadToS3({ ...source, size: before.size }, uri, config, options, () =>
        checkSame(source, before),
      )
    } else if (kind === 'file') {
      await copyFile(source.path, uri, config, options, () => checkSame(source, before))
    } else {
      const hint = 'name an s3:// URI or a file'
      throw new DataplugError('UNSUPPORTED', `nothing can be uploaded to ${displayUri(uri)}; ${hint}`, {
        uri,
      })
    }
  } catch (error) {
    // A store would speak of the index.
    if (!isDataplugError(error, 'STORE_READ_ONLY')) throw error
    throw new DataplugError('STORE_READ_ONLY', `no permission to write ${displayUri(uri)}`, {
      uri,
      cause: error,
    })
  }
}

interface SourceFile {
  readonly uri: string
  readonly path: string
}

async function statFile({ uri, path }: SourceFile): Promise<Stats> {
  let found: Stats
  try {
    found = await stat(path)
  } catch (error) {
    throw fileError(error, uri, 'read')
  }
  if (!found.isFile()) throw new DataplugError('UNSUPPORTED', `${uri} is no regular file`, { uri })
  return found
}

async function checkSame(source: SourceFile, before: Stats): Promise<void> {
  const now = await statFile(source)
  if (now.size === before.size && now.mtimeMs === before.mtimeMs && now.ino === before.ino) return
  const text = `${source.uri} changed while it was uploaded; upload it again`
  throw new DataplugError('OBJECT_CHANGED', text, { uri: source.uri })
}

async function copyFile(
  from: string,
  uri: string,
  { file }: StorageConfig,
  { signal }: UploadOptions,
  check: () => Promise<void>,
): Promise<void> {
  const target = parseFileUri(canonicalUri(uri), file?.root)
  try {
    const path = await pathToWrite(target, file?.root, true)
    const temporary = join(dirname(path), temporaryName())
    try {
      await pipeline(createReadStream(from), createWriteStream(temporary, { flags: 'wx' }), {
        ...(signal && { signal }),
      })
      await check()
      const handle = await open(temporary, 'r+')
      await handle.sync().finally(() => handle.close())
      signal?.throwIfAborted()
      await rename(temporary, path)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw signal?.aborted ? signal.reason : error
    }
  } catch (error) {
    throw signal?.aborted ? signal.reason : fileError(error, target.uri, 'write')
  }
}
