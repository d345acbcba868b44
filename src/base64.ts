// In pieces, because a call takes a limited number of arguments. A multiple of three bytes needs no padding.
const PIECE = 0x6000

/** Base64 (RFC 4648, 4) of bytes of any length. */
export function toBase64(bytes: Uint8Array): string {
  // Not in browsers. A window takes a millisecond without.
  const { Buffer } = globalThis
  if (Buffer) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  const pieces: string[] = []
  for (let i = 0; i < bytes.length; i += PIECE) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(i, i + PIECE))))
  }
  return pieces.join('')
}

/** The bytes of a base64 text; throws the platform's error when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  // Uint8Array.from makes an object for each character: tens of times the time and memory.
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}
