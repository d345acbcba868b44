import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBgzfChunk } from '../../src/core/bgzf-chunk.js'
import { createGzipChunk, type GzipChunk } from '../../src/core/gzip-chunk.js'
import type { GzipPart } from '../../src/core/gzip-part.js'
import { isDataplugError } from '../../src/errors.js'
import { BGZF_END, bgzf, bgzfBlock } from '../compression/bgzf.js'
import { makeText } from '../compression/objects.js'
import { memory } from '../gzip/chunks.js'

const rule = { stride: 10_000, span: 40_000, smallMembers: true }

/** A copy in which segments that end with a trailer that is right, as all of BGZF do, are members. */
function plain(part: GzipPart): GzipPart {
  const members = [...part.members]
  let start = 0
  const segments = part.segments.filter(({ size, crc, trailer }) => {
    if (!trailer || trailer.size !== size || trailer.crc !== crc) return true
    members.push(trailer.end - start, size)
    start = trailer.end
    return false
  })
  return structuredClone({ ...part, members: new Uint32Array(members), segments })
}

/** What a chunk makes of bytes that come in steps; undefined when they are malformed to it. */
function partOf(chunk: GzipChunk, bytes: Uint8Array, step: number): GzipPart | undefined {
  try {
    for (let at = 0; at < bytes.length; at += step) {
      if (chunk.push(bytes.subarray(at, at + step))) return plain(chunk.part())
    }
    chunk.finish()
    return plain(chunk.part())
  } catch (error) {
    if (isDataplugError(error, 'MALFORMED_DATA')) return undefined
    throw error
  }
}

/** As a file is read: into one half of the input window, then the other. */
function inPlace(bytes: Uint8Array, step: number, until: number): GzipPart | undefined {
  const chunk = createBgzfChunk(memory, 0, { rule, until })
  const halves = [memory.input.subarray(0, 1 << 19), memory.input.subarray(1 << 19)]
  let turn = 0
  function push(piece: Uint8Array): boolean {
    const half = (halves[turn++ % 2] as Uint8Array).subarray(0, piece.length)
    half.set(piece)
    const complete = chunk.push(half)
    half.fill(0xa5)
    return complete
  }
  return partOf({ push, part: () => chunk.part(), finish: () => chunk.finish() }, bytes, step)
}

const byStream = (bytes: Uint8Array, until: number) =>
  partOf(createGzipChunk(memory, { offset: 0 }, { rule, until }), bytes, 65_536)
const byBlocks = (bytes: Uint8Array, until: number, step = 65_536) =>
  partOf(createBgzfChunk(memory, 0, { rule, until }), bytes, step)

describe('BGZF by its blocks', () => {
  it('is what it is as a stream of gzip members: points, lines, checksums and blocks', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 0, max: 400_000 }),
        fc.integer({ min: 1, max: 65_280 }),
        fc.constantFrom(0, 1, 6, 9),
        fc.integer({ min: 1, max: 300_000 }),
        fc.double({ min: 0, max: 1.2, noNaN: true }),
        (seed, size, blockSize, level, step, share) => {
          const content = makeText(seed, Math.min(size, blockSize * 400))
          const stored = bgzf(content, blockSize, level)
          const until = share > 1 ? Number.POSITIVE_INFINITY : Math.floor(stored.length * share) * 8
          const part = byBlocks(stored, until, step)
          expect(part).toEqual(byStream(stored, until))
          expect(inPlace(stored, step, until)).toEqual(part)
          expect(part?.size).toBeLessThanOrEqual(content.length)
          if (share > 1) expect(part?.size).toBe(content.length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('takes more blocks than a batch has entries, most of them empty', () => {
    const blocks = Array.from({ length: 12_000 }, (_, i) =>
      i % 1000 ? BGZF_END : bgzfBlock(Buffer.from('a\n')),
    )
    const stored = Buffer.concat(blocks)
    const part = byBlocks(stored, Number.POSITIVE_INFINITY, stored.length)
    expect(part).toEqual(byStream(stored, Number.POSITIVE_INFINITY))
    expect(part?.members.length).toBe(2 * 12_000)
  })

  it('with any bit flipped, and cut anywhere, is refused or what the stream is', () => {
    const stored = Buffer.concat([
      bgzfBlock(Buffer.from('one\ntwo\nthree three three three\n')),
      bgzfBlock(Buffer.from('four\n'), 0),
      BGZF_END,
    ])
    const never = Number.POSITIVE_INFINITY
    let refused = 0
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const damaged = Buffer.from(stored)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      const part = byBlocks(damaged, never)
      if (part) expect(part, `bit ${bit}`).toEqual(byStream(damaged, never))
      else refused++
    }
    expect(refused).toBeGreaterThan(stored.length * 4)
    for (let length = 0; length < stored.length; length++) {
      const part = byBlocks(stored.subarray(0, length), never, 7)
      if (part) expect(part, `${length} bytes`).toEqual(byStream(stored.subarray(0, length), never))
    }
  })

  it('refuses a member of more than 64 KiB, and a size that its block does not have', () => {
    const large = bgzfBlock(Buffer.alloc(65_537, 'ab\n'))
    expect(byStream(large, Number.POSITIVE_INFINITY)?.size).toBe(65_537)
    expect(byBlocks(large, Number.POSITIVE_INFINITY)).toBeUndefined()
    expect(byBlocks(bgzfBlock(Buffer.alloc(65_536, 'ab\n')), Number.POSITIVE_INFINITY)?.size).toBe(65_536)
    const longer = Buffer.concat([bgzfBlock(Buffer.from('a\n')), BGZF_END])
    longer.writeUInt16LE(longer.readUInt16LE(16) + 1, 16)
    expect(byBlocks(longer, Number.POSITIVE_INFINITY)).toBeUndefined()
  })
})
