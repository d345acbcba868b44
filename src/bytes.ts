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

/** Whatever is moved to a port without another end is freed. */
let nowhere: MessagePort | undefined

/**
 * Frees the memory of an array that has its buffer to itself: it is empty from then on, and so are other views. The garbage
 * collector sees arrays as small objects, and collects what has lived for a while only after tens of megabytes of them.
 */
export function release({ buffer, byteLength }: Uint8Array<ArrayBuffer>): void {
  if (byteLength === 0 || byteLength < buffer.byteLength) return
  // ES2024; not in Node 20.
  const transfer: unknown = Reflect.get(buffer, 'transfer')
  if (typeof transfer === 'function') {
    Reflect.apply(transfer, buffer, [0])
    return
  }
  if (!nowhere) {
    const { port1, port2 } = new MessageChannel()
    port2.close()
    nowhere = port1
  }
  nowhere.postMessage(undefined, [buffer])
}
