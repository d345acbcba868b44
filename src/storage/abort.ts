// One listener per signal, however many calls run under it: Node warns of a leak from the eleventh on.
const watched = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls `callback` once when `signal` aborts. Returns what takes it back; an aborted signal calls at once. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {}
  if (signal.aborted) {
    callback()
    return () => {}
  }
  let callbacks = watched.get(signal)
  if (!callbacks) {
    callbacks = new Set()
    watched.set(signal, callbacks)
  }
  const current = callbacks
  if (current.size === 0) signal.addEventListener('abort', runAll)
  const entry = () => callback()
  current.add(entry)
  return () => {
    if (current.delete(entry) && current.size === 0) signal.removeEventListener('abort', runAll)
  }
}

function runAll(this: AbortSignal): void {
  const callbacks = watched.get(this)
  watched.delete(this)
  this.removeEventListener('abort', runAll)
  for (const callback of callbacks ?? []) callback()
}

/** `promise`, or the signal's reason as soon as it aborts. The promise itself goes on. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason))
    promise.then(resolve, reject).finally(forget)
  })
}

/** @throws the signal's reason */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      forget()
      resolve()
    }, ms)
    const forget = onAbort(signal, () => {
      clearTimeout(timer)
      reject(signal?.reason)
    })
  })
}
