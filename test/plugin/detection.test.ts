import { expect, it } from 'vitest'
import { defineFormat } from '../../src/formats/format.js'
import { detectFormat } from '../../src/formats/registry.js'

const plugin = defineFormat({
  name: 'zz-plugin',
  version: 1,
  module: import.meta.url,
  extensions: ['.log'],
  sniff: (head) => head[0] === 0x21,
  read: () => ({ bytes: async function* () {} }),
})

const head = (text: string) => async () => new TextEncoder().encode(text)

it('a plugin is asked before the built-in formats, by name and by first bytes', async () => {
  expect(await detectFormat('memory:a.log', head('plain'))).toBe(plugin)
  expect(await detectFormat('memory:a', head('!plain'))).toBe(plugin)
})

it('text is what is left when nothing else fits, and no binary', async () => {
  expect((await detectFormat('memory:a', head('plain'))).name).toBe('text')
  await expect(detectFormat('memory:a', head('\0'))).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' })
})
