/**
 * Runs `work` on every item, at most `limit` at a time, in order of start. The first failure, or the signal,
 * aborts what is under way; all of it has ended when this rejects.
 */
export async function runConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  const failed = new AbortController()
  const combined = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const lane = async () => {
    while (next < items.length && !failure && !combined.aborted) {
      const item = items[next++] as T
      try {
        await work(item, combined)
      } catch (error) {
        // Later failures are the echo of the first one's abort.
        failure ??= { error }
        failed.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, lane))
  if (failure) throw failure.error
  signal?.throwIfAborted()
}
