import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { wasmBase64 } from '../../src/core/wasm.generated.js'
import { built } from './package.js'

const BUDGET = 32 * 1024

const bytes = readFileSync(built('dist/core.wasm'))

test('the core imports nothing, so any runtime can host it', () => {
  expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([])
})

test(`the core stays under ${BUDGET} bytes`, () => {
  expect(bytes.length).toBeLessThan(BUDGET)
})

test('the embedded core is the exported one', () => {
  expect(Buffer.from(wasmBase64, 'base64').equals(bytes)).toBe(true)
})
