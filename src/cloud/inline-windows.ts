import { toBase64 } from '../base64.js'
import type { Span } from '../compression/access.js'

/** The spans with their windows in themselves. @param windows the whole section that holds them */
export function inlineWindows(spans: readonly Span[], windows: Uint8Array): Span[] {
  return spans.map((span) => {
    const { window } = span
    if (window === undefined || typeof window === 'string') return span
    return { ...span, window: toBase64(windows.subarray(window[0], window[1])) }
  })
}
