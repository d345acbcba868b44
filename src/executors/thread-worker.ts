// The file that worker threads run. One line of work in, one reply out.
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import { execute } from '../cloud/execute.js'
import { useModule } from '../core/core.js'
import { openStorage } from '../storage/open.js'
import type { ReadableStore } from '../storage/store.js'
import { checkCloneable, failureReply, type WorkerReply, type WorkerRequest } from './protocol.js'
import '../index.js'

useModule((workerData as { wasm: WebAssembly.Module }).wasm)

// Connections are kept from one unit of work to the next.
const stores = new Map<string, ReadableStore>()

export default async function run({ work, storage, modules }: WorkerRequest): Promise<WorkerReply> {
  try {
    const key = JSON.stringify(storage)
    const store = stores.get(key) ?? openStorage(storage)
    stores.set(key, store)
    const value = await execute(work, { store, modules })
    if (isWholeBuffer(value)) return transfer({ ok: true, value }, value.buffer)
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

/** The reply with its buffer moved instead of copied, so that a thread's memory does not grow with its results. */
function transfer(reply: WorkerReply, buffer: ArrayBuffer): WorkerReply {
  return move({ [transferableSymbol]: [buffer], [valueSymbol]: reply } as never) as unknown as WorkerReply
}
