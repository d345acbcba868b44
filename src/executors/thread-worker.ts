// The file that worker threads run. One line of work in, one reply out.
import { workerData } from 'node:worker_threads'
import { release } from '../bytes.js'
import { execute } from '../cloud/execute.js'
import { useModule } from '../core/core.js'
import { openStorage } from '../storage/open.js'
import type { ReadableStore } from '../storage/store.js'
import { checkCloneable, failureReply, type WorkerReply, type WorkerRequest } from './protocol.js'
import '../index.js'

useModule((workerData as { wasm: WebAssembly.Module }).wasm)

// Connections are kept from one unit of work to the next.
const stores = new Map<string, ReadableStore>()

/** Results up to this size are copied to the other thread: that takes less than to load what is needed to move them. */
const COPIED = 1 << 20
/** The last one copied, which can be freed once the next work is here. */
let copied: Uint8Array<ArrayBuffer> | undefined

export default async function run({ work, storage, modules }: WorkerRequest): Promise<WorkerReply> {
  try {
    if (copied) release(copied)
    copied = undefined
    const key = JSON.stringify(storage)
    const store = stores.get(key) ?? openStorage(storage)
    stores.set(key, store)
    const value = await execute(work, { store, modules })
    if (isWholeBuffer(value)) {
      if (value.byteLength > COPIED) return await move({ ok: true, value }, value.buffer)
      copied = value
      return { ok: true, value }
    }
    checkCloneable(value, work.line)
    return { ok: true, value }
  } catch (error) {
    return failureReply(error)
  }
}

function isWholeBuffer(value: unknown): value is Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) return false
  return value.byteLength === value.buffer.byteLength
}

/** The reply with its buffer moved instead of copied. Piscina is in this thread already, but not all of it. */
async function move(reply: WorkerReply, buffer: ArrayBuffer): Promise<WorkerReply> {
  const { move: movable, transferableSymbol, valueSymbol } = await import('piscina')
  return movable({ [transferableSymbol]: [buffer], [valueSymbol]: reply } as never) as unknown as WorkerReply
}
