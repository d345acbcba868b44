import { beforeEach, expect, test, vi } from 'vitest'

beforeEach(() => {
  vi.resetModules()
  vi.restoreAllMocks()
})

test('importing compiles nothing', async () => {
  const compile = vi.spyOn(WebAssembly, 'compile')
  const construct = vi.spyOn(WebAssembly, 'Module')
  const { loadCore } = await import('../../src/core/core.js')
  const wasm = await import('../../src/wasm.js')
  expect(compile).not.toHaveBeenCalled()
  expect(construct).not.toHaveBeenCalled()
  await loadCore()
  await wasm.init()
  expect(compile).toHaveBeenCalledTimes(1)
})

test('a module that was handed over is used instead of compiling', async () => {
  const first = await import('../../src/core/core.js')
  const module = await first.coreModule()
  vi.resetModules()
  const compile = vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new Error('code generation disallowed'))
  const second = await import('../../src/core/core.js')
  second.useModule(module)
  const core = await second.loadCore()
  expect(core.countLines(Uint8Array.of(10, 10))).toBe(2)
  expect(await second.coreModule()).toBe(module)
  expect(compile).not.toHaveBeenCalled()
})

test('where compiling is forbidden the error says what to do, and doing it helps', async () => {
  const first = await import('../../src/core/core.js')
  const module = await first.coreModule()
  vi.resetModules()
  vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new Error('code generation disallowed'))
  const second = await import('../../src/core/core.js')
  await expect(second.loadCore()).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('useModule'),
  })
  second.useModule(module)
  expect((await second.loadCore()).countLines(Uint8Array.of(10))).toBe(1)
})
