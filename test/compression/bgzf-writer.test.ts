import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { BgzfPart } from '../../src/compression/bgzf-writer.js'
import { loadCore } from '../../src/core/core.js'
import { BGZF_END, bgzfBlock } from './bgzf.js'

afterEach(() => vi.restoreAllMocks())

async function* inOrder(parts: readonly BgzfPart[]): AsyncGenerator<BgzfPart> {
  yield* parts
}

const noise = (length: number, seed: number) => {
  let state = seed
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

describe.each(['functions', 'streams'])('BGZF that is written with %s of the host', (how) => {
  async function load() {
    vi.resetModules()
    if (how === 'streams') vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
    return import('../../src/compression/bgzf-writer.js')
  }

  it('has contents deflated, blocks as they are, in order', async () => {
    const { bgzfBlocks, bgzfEnd } = await load()
    const { crc32 } = await loadCore()
    expect(BGZF_END.equals(bgzfEnd())).toBe(true)
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            isBlock: fc.boolean(),
            length: fc.oneof(fc.nat(300), fc.nat(200_000), fc.constantFrom(0, 65_279, 65_280, 65_281)),
            kind: fc.constantFrom('zeros', 'noise'),
          }),
          { maxLength: 12 },
        ),
        async (shapes) => {
          const parts = shapes.map(({ isBlock, length, kind }, i): BgzfPart & { content: Uint8Array } => {
            const all = kind === 'zeros' ? new Uint8Array(length) : noise(length, i)
            const content = isBlock ? all.subarray(0, 65_280) : all
            return isBlock ? { block: bgzfBlock(content), content } : { content }
          })
          const written: Uint8Array[] = []
          const given = parts.map((part) => ('block' in part ? { block: part.block } : part))
          for await (const block of bgzfBlocks(inOrder(given), crc32)) written.push(block)
          const blocks = written.map((block) => Buffer.from(block))
          for (const block of blocks) {
            expect(block.subarray(0, 16).equals(BGZF_END.subarray(0, 16))).toBe(true)
            expect(block.readUInt16LE(16) + 1).toBe(block.length)
            expect(block.readUInt32LE(block.length - 4)).toBeLessThanOrEqual(65_280)
          }
          const content = Buffer.concat(parts.map((part) => part.content))
          if (blocks.length > 0) expect(gunzipSync(Buffer.concat(blocks)).equals(content)).toBe(true)
          else expect(content).toHaveLength(0)
          const kept = parts.flatMap((part) => ('block' in part ? [part.block as Uint8Array] : []))
          expect(written.filter((block) => kept.includes(block))).toEqual(kept)
        },
      ),
      { numRuns: 12 },
    )
  })

  it('has as few blocks as there can be', async () => {
    const { bgzfBlocks } = await load()
    const { crc32 } = await loadCore()
    const parts = Array.from({ length: 1000 }, (_, i) => ({ content: noise(131, i) }))
    const sizes: number[] = []
    for await (const block of bgzfBlocks(inOrder(parts), crc32)) sizes.push(gunzipSync(block).length)
    expect(sizes).toEqual([65_280, 65_280, 440])
  })
})
