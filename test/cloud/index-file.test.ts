import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeIndex as indexContent } from '../../src/cloud/index-encode.js'
import { openIndex, verifySections } from '../../src/cloud/index-file.js'
import { type Core, loadCore } from '../../src/core/core.js'
import { isDataplugError } from '../../src/errors.js'
import { memoryStore } from '../../src/storage/memory.js'
import { contentBytes } from '../../src/storage/store.js'
import { counting } from '../formats/open-text.js'

const source = { uri: 's3://bucket/key', size: 123, etag: '"abc"' }
const format = { name: 'text', version: 1 }
const at = 'memory:key.dataplug'

const encodeIndex = (...index: Parameters<typeof indexContent>) => contentBytes(indexContent(...index))

let core: Core
beforeAll(async () => {
  core = await loadCore()
})

function open(bytes: Uint8Array) {
  return openIndex(memoryStore({ [at]: bytes }), at, core)
}

describe('an index file', () => {
  it('gives back its header and any range of any section', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 20_000 }),
        fc.uint8Array({ maxLength: 100 }),
        fc.integer({ min: 0, max: 9000 }),
        fc.nat(20_000),
        fc.nat(20_000),
        async (a, b, padding, from, to) => {
          const attributes = { totalLines: 5, note: 'é'.repeat(padding) }
          const file = await open(encodeIndex(core, source, format, { attributes, sections: { a, b } }))
          expect(file.header).toMatchObject({ format: 'text', formatVersion: 1, ...source, attributes })
          expect(await file.section('a')).toEqual(a)
          expect(await file.section('b')).toEqual(b)
          const range = [Math.min(from, to, a.length), Math.min(Math.max(from, to), a.length)] as const
          expect(await file.section('a', range)).toEqual(a.slice(...range))
          await verifySections(file)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('opens with one small read, and reads a range with one more', async () => {
    const sections = { a: new Uint8Array(100_000) }
    const counted = counting(
      memoryStore({ [at]: encodeIndex(core, source, format, { attributes: {}, sections }) }),
    )
    const file = await openIndex(counted.store, at, core)
    expect(counted).toMatchObject({ requests: 1, bytes: 4096 })
    await file.section('a', [50_000, 50_010])
    expect(counted).toMatchObject({ requests: 2, bytes: 4096 + 4100 })
  })

  it.each([0, 1, 4096, 131_071, 131_072, 131_073, 300_000])(
    'has the same pages however a section of %i bytes comes in pieces',
    async (length) => {
      const a = Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8))
      const pieces = [a.subarray(0, length >> 1), a.subarray(0, 0), a.subarray(length >> 1)]
      const whole = encodeIndex(core, source, format, { attributes: {}, sections: { a } })
      const again = encodeIndex(core, source, format, { attributes: {}, sections: { a: pieces } })
      expect(Buffer.compare(again, whole)).toBe(0)
      expect(Buffer.compare(await (await open(whole)).section('a'), a)).toBe(0)
    },
  )

  it('leaves the query of a signed URL out', async () => {
    const uri = 'https://host/key?X-Amz-Signature=secret'
    const file = encodeIndex(core, { ...source, uri }, format, { attributes: {} })
    expect(Buffer.from(file).includes('secret')).toBe(false)
  })
})

describe('a damaged index file', () => {
  const build = () =>
    encodeIndex(core, source, format, {
      attributes: { totalLines: 5 },
      sections: { a: new Uint8Array(5000).fill(7) },
    })

  it('is INVALID_INDEX at every truncation', async () => {
    const whole = build()
    for (let length = 0; length < whole.length; length += length < 4200 ? 7 : 97) {
      await expect(open(whole.slice(0, length)), `${length} bytes`).rejects.toMatchObject({
        code: 'INVALID_INDEX',
        uri: at,
      })
    }
    await expect(open(Uint8Array.from([...whole, 0]))).rejects.toMatchObject({ code: 'INVALID_INDEX' })
  })

  it('is INVALID_INDEX, or the right bytes, at every flipped bit', async () => {
    const whole = build()
    for (let position = 0; position < whole.length; position += position < 400 ? 1 : 61) {
      const bytes = whole.slice()
      bytes[position] = (bytes[position] as number) ^ (1 << (position % 8))
      try {
        const file = await open(bytes)
        expect(file.header).toMatchObject(source)
        expect(await file.section('a')).toEqual(new Uint8Array(5000).fill(7))
        // Only the padding between header and sections may change unnoticed.
        expect(position).toBeGreaterThan(32)
        expect(position).toBeLessThan(4096)
      } catch (error) {
        if (!isDataplugError(error, 'INVALID_INDEX')) throw error
      }
    }
  })

  it.each([
    ['another version', (view: DataView) => view.setUint16(8, 2, true)],
    ['an absurd header length', (view: DataView) => view.setUint32(12, 0xffffffff, true)],
    ['an absurd file length', (view: DataView) => view.setBigUint64(16, 1n << 62n, true)],
  ])('with %s is refused even when its checksum fits', async (_name, change) => {
    const bytes = build()
    const view = new DataView(bytes.buffer)
    change(view)
    view.setUint32(28, core.crc32(bytes.subarray(0, 28)), true)
    await expect(open(bytes)).rejects.toMatchObject({ code: 'INVALID_INDEX' })
  })

  it.each([
    ['not JSON', 'x'],
    ['an array', '[]'],
    ['no sections', JSON.stringify({ ...source, format: 'text', formatVersion: 1, attributes: {} })],
    [
      'a section past the end',
      JSON.stringify({
        ...source,
        format: 'text',
        formatVersion: 1,
        attributes: {},
        sections: [{ name: 'a', offset: 4096, length: 2 ** 52 }],
      }),
    ],
    [
      'a section inside the header',
      JSON.stringify({
        ...source,
        format: 'text',
        formatVersion: 1,
        attributes: {},
        sections: [{ name: 'a', offset: 0, length: 10 }],
      }),
    ],
    [
      'a negative size',
      JSON.stringify({ ...source, size: -1, format: 'text', formatVersion: 1, attributes: {}, sections: [] }),
    ],
  ])('with a header that is %s is refused even when its checksums fit', async (_name, json) => {
    const bytes = build()
    const header = new TextEncoder().encode(json)
    const view = new DataView(bytes.buffer)
    bytes.set(header, 32)
    view.setUint32(12, header.length, true)
    view.setUint32(24, core.crc32(header), true)
    view.setUint32(28, core.crc32(bytes.subarray(0, 28)), true)
    await expect(open(bytes)).rejects.toMatchObject({ code: 'INVALID_INDEX' })
  })
})
