import { deflateRawSync, deflateSync, inflateRawSync, inflateSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => vi.restoreAllMocks())

const samples = [
  new Uint8Array(0),
  Uint8Array.of(7),
  new Uint8Array(32_768).map((_, i) => (i * i) >> 3),
  new Uint8Array(32_768),
]

describe.each(['with functions of the host', 'with streams of the host'])('deflate and inflate %s', (how) => {
  async function load() {
    vi.resetModules()
    if (how.includes('streams')) vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
    return import('../../src/compression/deflate.js')
  }

  it('give what zlib gives, and take it back', async () => {
    const { deflate, inflate } = await load()
    for (const bytes of samples) {
      for (const [wrapping, one, other] of [
        ['deflate-raw', deflateRawSync, inflateRawSync],
        ['deflate', deflateSync, inflateSync],
      ] as const) {
        const deflated = await deflate(bytes, wrapping)
        if (bytes.length > 0) expect(new Uint8Array(other(deflated))).toEqual(bytes)
        expect(await inflate(deflated, bytes.length, wrapping)).toEqual(bytes)
        if (bytes.length > 0)
          expect(await inflate(new Uint8Array(one(bytes)), 32_768, wrapping)).toEqual(bytes)
      }
    }
  })

  it('refuse what is longer than it should be, damaged or cut off', async () => {
    const { inflate } = await load()
    const deflated = deflateRawSync(samples[2] as Uint8Array)
    const refused = { code: 'MALFORMED_DATA' }
    await expect(inflate(deflated, 32_767)).rejects.toMatchObject(refused)
    await expect(inflate(deflated, 0)).rejects.toMatchObject(refused)
    await expect(inflate(deflated.subarray(0, -5), 32_768)).rejects.toMatchObject(refused)
    await expect(inflate(Uint8Array.of(7, 7, 7), 32_768)).rejects.toMatchObject(refused)
    // Browsers' streams refuse it, too; those of Node 20 and 22 do not, and Node has the functions.
    if (how.includes('functions'))
      await expect(inflate(Buffer.concat([deflated, Buffer.of(0)]), 32_768)).rejects.toMatchObject(refused)
  })
})
