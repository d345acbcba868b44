import { expect, test, vi } from 'vitest'
import { mixture } from './core/oracles.js'

const bytes = mixture(200_000, 20, [10, 32, 13, 9])

test('functions work without init, and equal the core behind init', async () => {
  vi.resetModules()
  const wasm = await import('../src/wasm.js')
  const lines = wasm.countLines(bytes)
  const core = await wasm.init()
  expect(wasm.initSync()).toBe(core)
  expect(lines).toBe(core.countLines(bytes))
  expect(wasm.linePositions(bytes)).toEqual(core.linePositions(bytes))
  expect(wasm.nthLine(bytes, lines)).toBe(wasm.lastLineCut(bytes))
  expect(wasm.nthLine(bytes, 1)).toBe(wasm.firstLineCut(bytes))
  expect(wasm.wordRanges(bytes).length).toBe(2 * wasm.countWords(bytes))
  expect(wasm.firstWordCut(bytes)).toBe(core.firstWordCut(bytes, 0))
  expect(wasm.lastWordCut(bytes)).toBe(core.lastWordCut(bytes))
  expect(wasm.crc32(bytes)).toBe(core.crc32(bytes))
  const reads = Buffer.from('CA\n+\n@+\n@b\nTT\n+\nII\n@c\nA\n+\n@\n')
  expect(wasm.fastqRecordStart(reads)).toBe(8)
  expect(wasm.fastqRecordStart(reads, 9)).toBe(core.fastqRecordStart(reads, 9))
})

test('counters over a stream equal the functions over the whole', async () => {
  const wasm = await import('../src/wasm.js')
  const words = wasm.wordCounter()
  const blocks = wasm.lineBlockCounter(512)
  let crc = 0
  for (let start = 0; start < bytes.length; start += 7777) {
    const piece = bytes.subarray(start, start + 7777)
    words.update(piece)
    blocks.update(piece)
    crc = wasm.crc32(piece, crc)
  }
  expect(words.finish()).toBe(wasm.countWords(bytes))
  expect(blocks.finish().reduce((sum, count) => sum + count, 0)).toBe(wasm.countLines(bytes))
  expect(crc).toBe(wasm.crc32(bytes))
})

test('init first works as well, and initSync gives the same core', async () => {
  vi.resetModules()
  const wasm = await import('../src/wasm.js')
  const core = await wasm.init()
  expect(wasm.initSync()).toBe(core)
  expect(wasm.countLines(Uint8Array.of(10, 1, 10))).toBe(2)
})
