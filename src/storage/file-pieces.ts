import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import type { Range } from '../range.js'

export const PIECE = 1 << 20
/** Below, a read costs more than it reads ahead. */
const SMALLEST = 128 << 10

/**
 * The bytes of `range` in pieces of up to 1 MiB; fewer bytes in all when the file ends before. The next piece
 * is read while the consumer works on this one, unless `blocking`, or `scratch` has no room for two.
 *
 * @param scratch filled again and again, instead of a new buffer for each piece
 * @param blocking the thread has nothing else to do meanwhile: handing reads over to Node's own threads takes a fifth
 * of the CPU time of counting lines
 */
export async function* pieces(
  handle: FileHandle,
  [start, end]: Range,
  scratch: Uint8Array | undefined,
  blocking: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = splitScratch(scratch, blocking)
  let turn = 0
  const bufferFor = (length: number) => {
    const buffer = buffers[turn++ % buffers.length]
    return buffer ? buffer.subarray(0, length) : emptyBytes(length)
  }
  const length = buffers[0]?.length ?? PIECE
  const read = (at: number) => fill(handle, bufferFor(Math.min(length, end - at)), at, blocking)

  let ahead: Promise<Uint8Array> | undefined
  try {
    for (let at = start; at < end; ) {
      const wanted = Math.min(length, end - at)
      const piece = await (ahead ?? read(at))
      ahead = undefined
      at += piece.length
      if (at < end && piece.length === wanted && buffers.length !== 1) {
        ahead = read(at)
        // Its error is met by the await above; until then, and after an early end, it is nobody's.
        ahead.catch(() => {})
      }
      if (piece.length > 0) yield piece
      if (piece.length < wanted) return
    }
  } finally {
    // The caller closes the file and takes `scratch` back after this.
    await ahead?.catch(() => {})
  }
}

/** Two halves to read ahead into; the whole when nothing is read ahead, or it is too short; none without scratch. */
function splitScratch(scratch: Uint8Array | undefined, blocking: boolean): readonly Uint8Array[] {
  if (scratch === undefined || scratch.length === 0) return []
  const half = Math.min(PIECE, scratch.length >> 1)
  if (blocking || half < SMALLEST) return [scratch.subarray(0, PIECE)]
  return [scratch.subarray(0, half), scratch.subarray(half, 2 * half)]
}

/** Not zeroed; a plain view, because a Buffer's `slice` would not copy. */
function emptyBytes(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

async function fill(
  handle: FileHandle,
  buffer: Uint8Array,
  position: number,
  blocking: boolean,
): Promise<Uint8Array> {
  let filled = 0
  while (filled < buffer.length) {
    const wanted = [buffer, filled, buffer.length - filled, position + filled] as const
    const bytesRead = blocking ? readSync(handle.fd, ...wanted) : (await handle.read(...wanted)).bytesRead
    // Lets signals, and the results of other threads, have their turn.
    if (blocking && isMainThread) await setImmediate()
    if (bytesRead === 0) return buffer.subarray(0, filled)
    filled += bytesRead
  }
  return buffer
}
