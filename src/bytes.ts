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
