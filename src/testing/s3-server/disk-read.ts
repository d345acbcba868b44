import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'

const PIECE = 1024 * 1024
/** Up to here the detour through another thread costs more than the read. */
const SMALL = 256 * 1024
const readInto = promisify(read)

/**
 * Bytes of an open file. Two buffers take turns, so the disk is read while the last piece is being sent and
 * memory stays flat; a piece is valid until the next one is asked for. @throws when the file is shorter.
 */
export async function* readFileRange(
  descriptor: number,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  if (end - start <= SMALL) {
    if (end > start) yield readSmall(descriptor, start, end)
    return
  }
  const size = Math.min(PIECE, end - start)
  let buffer = Buffer.allocUnsafe(size)
  let spare = end - start > PIECE ? Buffer.allocUnsafe(size) : buffer
  let next: Promise<number> | undefined
  const fill = (target: Buffer, at: number): Promise<number> => {
    const filling = readInto(descriptor, target, 0, Math.min(target.length, end - at), at).then(
      (r) => r.bytesRead,
    )
    // It may fail while the consumer is busy; whoever awaits it learns of that.
    filling.catch(() => {})
    return filling
  }
  try {
    for (let at = start; at < end; ) {
      const length = await (next ?? fill(buffer, at))
      if (length === 0) throw shorter()
      at += length
      const piece = buffer.subarray(0, length)
      ;[buffer, spare] = [spare, buffer]
      next = at < end ? fill(buffer, at) : undefined
      yield piece
    }
  } finally {
    // The descriptor must not be closed, and its number not reused, under a read that is still going on.
    await next?.catch(() => 0)
  }
}

function readSmall(descriptor: number, start: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(end - start)
  for (let done = 0; done < bytes.length; ) {
    const length = readSync(descriptor, bytes, done, bytes.length - done, start + done)
    if (length === 0) throw shorter()
    done += length
  }
  return bytes
}

function shorter(): Error {
  return new Error('the file became shorter while it was read')
}
