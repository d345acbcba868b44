import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { coreModule, createCore, loadCore } from '../../src/core/core.js'
import { instantiate } from '../../src/core/kernels.js'
import { mixture, same } from './oracles.js'

test('the module imports nothing and stays below 32 KB', async () => {
  expect(WebAssembly.Module.imports(await coreModule())).toEqual([])
  expect(readFileSync(new URL('../../build/core.wasm', import.meta.url)).length).toBeLessThan(32 * 1024)
})

test('each instance has a memory of its own, of fixed size', async () => {
  const module = await coreModule()
  const [one, other] = [instantiate(module), instantiate(module)]
  expect(one.memory).not.toBe(other.memory)
  expect(() => one.memory.grow(1)).toThrow(RangeError)
})

test('a thread has one core', async () => {
  expect(await loadCore()).toBe(await loadCore())
})

test('bytes in the scratch window are scanned in place, with the same results', async () => {
  const core = createCore(await coreModule())
  const bytes = mixture(core.scratch.length, 30, [10, 32, 13])
  const elsewhere = await loadCore()
  core.scratch.set(bytes)
  for (const [from, to] of [
    [0, bytes.length],
    [5, 999_999],
    [bytes.length - 3, bytes.length],
  ] as const) {
    const here = core.scratch.subarray(from, to)
    const there = bytes.subarray(from, to)
    expect(core.countLines(here)).toBe(elsewhere.countLines(there))
    expect(same(core.linePositions(here), elsewhere.linePositions(there))).toBe(true)
    expect(core.countWords(here)).toBe(elsewhere.countWords(there))
    expect(core.lastWordCut(here)).toBe(elsewhere.lastWordCut(there))
    expect(core.crc32(here)).toBe(elsewhere.crc32(there))
  }
  expect(same(core.scratch, bytes)).toBe(true)
})

test('bytes of a SharedArrayBuffer are accepted', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000))
  shared.set(mixture(100_000, 30, [10]))
  const core = await loadCore()
  expect(core.countLines(shared)).toBe(core.countLines(shared.slice()))
})

test('a module that is not the core is refused', () => {
  const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
  expect(() => createCore(empty)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
})

test('a compiled module can be posted to another thread', async () => {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const { exports } = new WebAssembly.Instance(workerData)
     parentPort.postMessage(typeof exports.countLines)`,
    { eval: true, workerData: await coreModule() },
  )
  const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  expect(answer).toBe('function')
  await worker.terminate()
})
