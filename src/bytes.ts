/** The arrays, one after the other. */
export function concat(arrays: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(arrays.reduce((length, array) => length + array.length, 0))
  let offset = 0
  for (const array of arrays) {
    bytes.set(array, offset)
    offset += array.length
  }
  return bytes
}

/** The same, without a copy where there is one array only. */
export function joined(arrays: readonly Uint8Array[]): Uint8Array {
  const [only] = arrays
  return only && arrays.length === 1 ? only : concat(arrays)
}

/** `bytes` itself when it has room for `needed` bytes, else its first `used` ones in an array at least twice as long. */
export function withRoom(
  bytes: Uint8Array<ArrayBuffer>,
  used: number,
  needed: number,
): Uint8Array<ArrayBuffer> {
  if (needed <= bytes.length) return bytes
  const larger = new Uint8Array(Math.max(bytes.length * 2, needed))
  larger.set(bytes.subarray(0, used))
  return larger
}
