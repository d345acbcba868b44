// The file that worker threads run. One line of work in, one reply out.
import { workerData } from 'piscina'
import { execute } from '../cloud/execute.js'
import { useModule } from '../core/core.js'
import { openStorage } from '../storage/index.js'
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
    checkCloneable(value, work.line)
    return { ok: true, value }
  } catch (error) {
    return failureReply(error)
  }
}
