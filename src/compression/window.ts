import { fromBase64 } from '../base64.js'
import { malformed, NEED_INPUT, STREAM_END } from '../core/inflate-status.js'
import { createInflater, WINDOW_SIZE } from '../core/inflater.js'
import { coreModule } from '../core/module.js'
import type { Range } from '../range.js'
import type { ReadWindow } from './gunzip-source.js'

/** Deflates a window (at most 32 KiB, mostly zeros when sparse). Empty stays empty. */
export async function deflateWindow(window: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (window.length === 0) return window
  const deflated = new Blob([window]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(deflated).arrayBuffer())
}

/** The window that a span names: where it lies, or itself in base64. */
export async function inflateWindow(window: Range | string, readWindow: ReadWindow): Promise<Uint8Array> {
  const deflated = typeof window === 'string' ? fromBase64(window) : await readWindow(window)
  if (deflated.length === 0) return deflated
  return inflateRaw(deflated)
}

/** Inflates what `deflateWindow` made. @throws MALFORMED_DATA when it is not a window */
async function inflateRaw(deflated: Uint8Array): Promise<Uint8Array> {
  const inflater = createInflater(await coreModule(), 'a window of the index')
  const window = new Uint8Array(WINDOW_SIZE)
  inflater.start(0, new Uint8Array(0))
  let filled = 0
  let given = 0
  for (;;) {
    const status = inflater.run(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const piece = inflater.memory.bytes.subarray(inflater.pieceStart, inflater.pieceEnd)
    if (filled + piece.length > WINDOW_SIZE) break
    window.set(piece, filled)
    filled += piece.length
    if (status === STREAM_END) return window.subarray(0, filled)
    if (status !== NEED_INPUT) continue
    if (given === deflated.length) break
    given = inflater.input(deflated, given, given)
  }
  throw malformed('a window of the index is damaged; preprocess the object again', 0)
}
