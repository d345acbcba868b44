import { type CoreMemory, createMemory } from './memory.js'

/** Idle instances kept for each module: 4 MiB each, and engines allow only some hundred memories at a time. */
const MOST_IDLE = 8

const pools = new WeakMap<WebAssembly.Module, CoreMemory[]>()

/** An instance that serves nobody else until it is given back: one used before, or a fresh one. */
export function borrowMemory(module: WebAssembly.Module): CoreMemory {
  return pools.get(module)?.pop() ?? createMemory(module)
}

/** Gives an instance back. Nothing may use it, or views of it, afterwards. Not giving one back leaks nothing. */
export function returnMemory(module: WebAssembly.Module, memory: CoreMemory): void {
  const idle = pools.get(module) ?? []
  pools.set(module, idle)
  if (idle.length < MOST_IDLE) idle.push(memory)
}
