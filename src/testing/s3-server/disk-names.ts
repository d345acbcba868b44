import { createHash } from 'node:crypto'

/** File systems commonly allow 255 bytes. */
const LONGEST = 240
const HASHED = '%x'

/**
 * The file name of a key: URL-encoded, so there is no separator in it and no `.` or `..`, whatever the key.
 * `a.txt` stays `a.txt`, `a/b c` becomes `a%2Fb%20c`. Names that get too long are hashed; their key is then
 * known from the metadata alone.
 */
export function fileName(key: string): string {
  const name = key === '.' || key === '..' ? key.replaceAll('.', '%2E') : encodeURIComponent(key)
  return name.length <= LONGEST ? name : HASHED + createHash('sha256').update(key).digest('hex')
}

export function isHashed(name: string): boolean {
  return name.startsWith(HASHED)
}

/** The key of a file name, or `undefined` when no key has that name. */
export function keyOf(name: string): string | undefined {
  try {
    const key = decodeURIComponent(name)
    return fileName(key) === name ? key : undefined
  } catch {
    return undefined
  }
}
