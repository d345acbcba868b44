import { concat } from '../bytes.js'
import { createGunzip } from '../core/gunzip.js'
import { isDataplugError } from '../errors.js'
import { detectCompression } from './detect.js'

/**
 * The first bytes of an object's content, at most `length`, from the first bytes of the object: the same ones
 * when it is not compressed.
 */
export async function contentHead(head: Uint8Array, length: number): Promise<Uint8Array> {
  if (detectCompression(head) === undefined) return head.subarray(0, length)
  const gunzip = await createGunzip()
  const pieces: Uint8Array[] = []
  let filled = 0
  try {
    for (const piece of gunzip.push(head)) {
      if (filled >= length) break
      pieces.push(piece.slice(0, length - filled))
      filled += piece.length
    }
  } catch (error) {
    // Whoever decodes it all will say what is wrong.
    if (!isDataplugError(error, 'MALFORMED_DATA')) throw error
  }
  return concat(pieces)
}
