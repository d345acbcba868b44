const MiB = 2 ** 20
/** So much of them may lie about. A collection also makes V8 forget compiled code: for each MiB, 8 % more CPU. */
const RESULTS = 2 * MiB
/** V8 starts a collection when 64 MiB of array buffers are new. */
const NOTICED = 72 * MiB

/**
 * Has results collected that nothing refers to any more: to be told the size of each. V8 sees array buffers as small
 * objects with 64 MiB to come before it collects them, so that memory would grow for the first hundreds of results.
 *
 * For threads with a small heap, where a collection takes some milliseconds. One of a heap of gigabytes takes seconds.
 */
export function resultCollector(): (bytes: number) => void {
  let since = 0
  return (bytes) => {
    since += bytes
    if (since < RESULTS) return
    since = 0
    try {
      // Never touched, so that it takes no memory.
      Buffer.allocUnsafeSlow(NOTICED)
    } catch {
      // Where not even the addresses are to be had, V8 has collected before it says so.
    }
  }
}
