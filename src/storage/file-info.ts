import type { BigIntStats } from 'node:fs'
import type { ObjectInfo } from './store.js'

export function infoOf(uri: string, stat: BigIntStats): ObjectInfo {
  const etag = `"${stat.size.toString(16)}-${stat.mtimeNs.toString(16)}-${stat.ino.toString(16)}"`
  return { uri, size: Number(stat.size), etag }
}

/** Name of a file that is being written. Short, so that any name that fits the file system can be written. */
export function temporaryName(): string {
  return `.dataplug-${crypto.randomUUID()}.tmp`
}

export function isTemporaryName(name: string): boolean {
  return /^\.dataplug-[0-9a-f-]{36}\.tmp$/.test(name)
}
