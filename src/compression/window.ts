import { fromBase64 } from '../base64.js'
import { WINDOW_SIZE } from '../core/inflater.js'
import type { Range } from '../range.js'
import { inflate } from './deflate.js'

/** Reads a range of the section that holds the windows. */
export type ReadWindow = (range: Range) => Promise<Uint8Array>

/** The window that a span names: where it lies, or itself in base64. @throws MALFORMED_DATA when it is none */
export async function inflateWindow(window: Range | string, readWindow: ReadWindow): Promise<Uint8Array> {
  return inflate(typeof window === 'string' ? fromBase64(window) : await readWindow(window), WINDOW_SIZE)
}
