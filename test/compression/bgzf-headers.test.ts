import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Executor } from '../../src/cloud/executor.js'
import { exportGzipIndex } from '../../src/cloud/gzip-interop.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { FASTQ, partitionReadsBatches } from '../../src/formats/fastq.js'
import { memoryStore } from '../../src/storage/memory.js'
import { readBytes } from '../../src/storage/store.js'
import { counting } from '../formats/open-text.js'
import { bgzf } from './bgzf.js'
import { contentOf, SPAN, sideBySide } from './objects.js'

const URI = 'memory:reads.fastq.gz'

/** Reads that deflate by about half. */
function reads(count: number, seed = 1): Buffer {
  let state = seed
  const letters = (alphabet: string, length: number) =>
    Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return alphabet[(state >>> 16) % alphabet.length]
    }).join('')
  const records = Array.from(
    { length: count },
    (_, i) => `@read.${i}\n${letters('ACGT', 100)}\n+\n${letters('F:,#', 100)}\n`,
  )
  return Buffer.from(records.join(''))
}

function open(stored: Uint8Array, beside: Readonly<Record<string, Uint8Array>> = {}) {
  return CloudObject.open(FASTQ, URI, { store: memoryStore({ [URI]: stored, ...beside }) })
}

async function indexOf(stored: Uint8Array, executor: Executor, chunkSize: number): Promise<Buffer> {
  const store = memoryStore({ [URI]: stored })
  const object = await CloudObject.open(FASTQ, URI, { store })
  await object.preprocess({ executor, chunkSize, span: SPAN })
  const { size } = await store.head(`${URI}.dataplug`)
  return Buffer.from(await readBytes(store, `${URI}.dataplug`, [0, size]))
}

/** A .gzi as bgzip writes it. */
function gziOf(stored: Buffer): Buffer {
  const pairs: [number, number][] = []
  let [offset, content] = [0, 0]
  while (offset < stored.length) {
    const size = stored.readUInt16LE(offset + 16) + 1
    const length = stored.readUInt32LE(offset + size - 4)
    if (offset > 0 && length > 0) pairs.push([offset, content])
    offset += size
    content += length
  }
  const file = Buffer.alloc(8 + pairs.length * 16)
  file.writeBigUInt64LE(BigInt(pairs.length), 0)
  pairs.forEach((pair, i) => {
    for (const [k, value] of pair.entries()) file.writeBigUInt64LE(BigInt(value), 8 + i * 16 + k * 8)
  })
  return file
}

describe('BGZF whose content is scanned anyway', () => {
  it('is found by its headers: the same, byte for byte, whatever the chunk size and the number of workers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3000 }),
        fc.integer({ min: 2_000, max: 65_280 }),
        fc.constantFrom(0, 6),
        fc.constantFrom(Buffer.alloc(0), Buffer.from('XX\x03\x00abc', 'latin1')),
        fc.integer({ min: 1, max: 100_000 }),
        async (count, blockSize, level, extra, chunkSize) => {
          const content = reads(count)
          const stored = bgzf(content, blockSize, level, extra)
          const whole = await indexOf(stored, inThisThread, stored.length)
          expect((await indexOf(stored, sideBySide, chunkSize)).equals(whole)).toBe(true)
          expect((await indexOf(stored, inThisThread, chunkSize)).equals(whole)).toBe(true)
          const object = await open(stored)
          await object.preprocess({ chunkSize, span: SPAN })
          const { compression } = object.index().header
          expect(compression).toMatchObject({ kind: 'bgzf', size: content.length })
          expect(compression).not.toHaveProperty('lineFeeds')
          expect(object.attributes.totalReads).toBe(count)
          if (count === 0) return
          const slices = await object.partition(partitionReadsBatches, { numBatches: Math.min(count, 7) })
          expect((await contentOf(slices)).equals(content)).toBe(true)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('has each of its checksums verified, whichever block a task begins or ends with', async () => {
    const stored = bgzf(reads(1500), 20_000)
    for (let at = 0; at < stored.length - 28; ) {
      const end = at + stored.readUInt16LE(at + 16) + 1
      const damaged = Buffer.from(stored)
      damaged[end - 8] = (damaged[end - 8] as number) ^ 1
      for (const chunkSize of [1, stored.length]) {
        const object = await open(damaged)
        await expect(
          object.preprocess({ executor: sideBySide, chunkSize, span: SPAN }),
        ).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: end - 8 })
      }
      at = end
    }
  })

  it('may have other members between its blocks', async () => {
    const content = reads(2000)
    const [a, b, c] = [content.subarray(0, 9e4), content.subarray(9e4, 3e5), content.subarray(3e5)]
    for (const stored of [
      Buffer.concat([bgzf(a), gzipSync(b), bgzf(c)]),
      Buffer.concat([bgzf(a), bgzf(b), gzipSync(c)]),
    ]) {
      for (const chunkSize of [1, 50_000, stored.length]) {
        const object = await open(stored)
        await object.preprocess({ executor: sideBySide, chunkSize, span: SPAN })
        expect(object.attributes.totalReads).toBe(2000)
        const slices = await object.partition(partitionReadsBatches, { numBatches: 5 })
        expect((await contentOf(slices)).equals(content)).toBe(true)
      }
    }
  })
})

describe('a .gzi beside the object', () => {
  const content = reads(4000)
  const stored = bgzf(content, 30_000)
  const gzi = gziOf(stored)

  it('is used, and the object read once', async () => {
    const counted = counting(memoryStore({ [URI]: stored, [`${URI}.gzi`]: gzi }))
    const object = await CloudObject.open(FASTQ, URI, { store: counted.store as never })
    await object.preprocess({ executor: sideBySide, span: SPAN })
    expect(counted.bytes).toBeLessThan(stored.length * 1.5)
    expect(object.attributes.totalReads).toBe(4000)
    const slices = await object.partition(partitionReadsBatches, { numBatches: 6 })
    expect((await contentOf(slices)).equals(content)).toBe(true)
    const without = await open(stored)
    await without.preprocess({ span: SPAN })
    const blocks = [object, without].map((each) => each.index().section('bgzf-blocks'))
    const [found, expected] = await Promise.all(blocks)
    expect(found).toEqual(expected)
    expect(await exportGzipIndex(object, 'gzi')).toEqual(new Uint8Array(gzi))
  })

  it('is used where headers of blocks have further fields', async () => {
    const longer = bgzf(content, 30_000, 6, Buffer.from('XX\x03\x00abc', 'latin1'))
    const counted = counting(memoryStore({ [URI]: longer, [`${URI}.gzi`]: gziOf(longer) }))
    const object = await CloudObject.open(FASTQ, URI, { store: counted.store as never })
    await object.preprocess({ executor: sideBySide, span: SPAN })
    expect(counted.bytes).toBeLessThan(longer.length * 1.5)
    const slices = await object.partition(partitionReadsBatches, { numBatches: 6 })
    expect((await contentOf(slices)).equals(content)).toBe(true)
  })

  it('is not blamed for what the store or the caller did', async () => {
    const store = memoryStore({ [URI]: stored, [`${URI}.gzi`]: gzi })
    const failure = new Error('the disk is on fire')
    const object = await CloudObject.open(FASTQ, URI, {
      store: {
        ...store,
        read(uri: string, ...rest: [never]) {
          if (uri.endsWith('.gzi')) throw failure
          return store.read(uri, ...rest)
        },
      } as never,
    })
    await expect(object.preprocess({ span: SPAN })).rejects.toBe(failure)
  })

  it('is refused when it is one of another object, another state, or none', async () => {
    const others = [
      gziOf(bgzf(content, 29_000)),
      gziOf(bgzf(reads(4000, 2), 30_000)),
      gziOf(bgzf(Buffer.concat([content, content]), 30_000)),
      gzi.subarray(0, gzi.length - 5),
      Buffer.from('gzipindx, of another program'),
    ]
    for (const other of others) {
      const object = await open(stored, { [`${URI}.gzi`]: other })
      await expect(object.preprocess({ span: SPAN })).rejects.toMatchObject({
        code: 'INVALID_INDEX',
        uri: `${URI}.gzi`,
      })
    }
  })
})
