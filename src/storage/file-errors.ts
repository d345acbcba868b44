import { DataplugError, type ErrorCode } from '../errors.js'
import { readOnly } from './answer.js'

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['NOT_FOUND', 'does not exist'],
  ENOTDIR: ['NOT_FOUND', 'does not exist: part of its path is a file'],
  EISDIR: ['UNSUPPORTED', 'is a directory, not a file'],
  EACCES: ['ACCESS_DENIED', 'may not be read by this user'],
  EPERM: ['ACCESS_DENIED', 'may not be read by this user'],
  ENAMETOOLONG: ['INVALID_URI', 'has a name too long for this file system'],
  ELOOP: ['INVALID_URI', 'is a loop of symlinks'],
  // Both pass when other files are closed.
  EMFILE: ['THROTTLED', 'cannot be opened: too many open files'],
  ENFILE: ['THROTTLED', 'cannot be opened: too many open files'],
}

/** Makes an error of this library of one of the file system. */
export function fileError(error: unknown, uri: string, operation: 'read' | 'write'): unknown {
  // The reason of an aborted signal has a code too, but a number.
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error
  if (error instanceof DataplugError) return error
  const { code } = error
  if (operation === 'write') {
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      return readOnly(uri, code === 'EROFS' ? 'the file system is read-only' : 'no permission', error)
    }
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
      return new DataplugError('STORE_FULL', `cannot write ${uri}: no space left (${code})`, {
        uri,
        cause: error,
      })
    }
  }
  const [kind, text] = CODES[code] ?? ['NETWORK', `failed: ${error.message}`]
  return new DataplugError(kind, `${uri} ${text}`, { uri, cause: error })
}

/** True when a file or folder is simply not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
