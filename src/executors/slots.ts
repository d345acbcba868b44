import { onAbort } from '../storage/abort.js'

/** At most `size` holders at once; the others wait in the order they came. */
export interface Slots {
  /** Until a slot is free. @throws the signal's reason, or the error given to `close` */
  take(signal: AbortSignal | undefined): Promise<void>
  give(): void
  /** Ends all waiting, now and later. */
  close(error: Error): void
}

interface Waiting {
  readonly go: () => void
  readonly fail: (reason: unknown) => void
}

export function openSlots(size: number): Slots {
  let free = size
  let closed: Error | undefined
  const waiting = new Set<Waiting>()
  return {
    async take(signal) {
      signal?.throwIfAborted()
      if (closed) throw closed
      if (free > 0) {
        free--
        return
      }
      await new Promise<void>((resolve, reject) => {
        const entry: Waiting = {
          go() {
            forget()
            resolve()
          },
          fail(reason) {
            forget()
            waiting.delete(entry)
            reject(reason)
          },
        }
        waiting.add(entry)
        const forget = onAbort(signal, () => entry.fail(signal?.reason))
      })
    },
    give() {
      const [next] = waiting
      if (!next) {
        free++
        return
      }
      waiting.delete(next)
      next.go()
    },
    close(error) {
      closed = error
      for (const entry of [...waiting]) entry.fail(error)
    },
  }
}
