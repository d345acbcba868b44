import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import { isDataplugError } from '../../src/errors.js'
import { BAM, partitionChunkRecords, partitionNumChunks } from '../../src/formats/bam.js'
import type { Range } from '../../src/range.js'
import { memoryStore } from '../../src/storage/memory.js'
import type { ReadableStore } from '../../src/storage/store.js'
import { BGZF_END, bgzf, bgzfBlock } from '../compression/bgzf.js'
import { bamRecord, encodeBamHeader, encodeBamRecord } from './bam-encoder.js'
import { counting, piecemeal } from './open-text.js'

// Slices of a BGZF object hand on its blocks; what lies around them is deflated.

const URI = 'memory:x.bam'
const HEADER = encodeBamHeader('@HD\tVN:1.6\n', [
  ['chr1', 5_000_000],
  ['chr2', 4_000_000],
  ['chr3', 3_000_000],
])

interface Block {
  readonly bytes: Buffer
  /** What it holds of the content. */
  readonly range: Range
}

function blocksOf(file: Uint8Array): Block[] {
  const bytes = Buffer.from(file)
  const blocks: Block[] = []
  let content = 0
  for (let at = 0; at < bytes.length; ) {
    expect(bytes.subarray(at, at + 4).toString('hex')).toBe('1f8b0804')
    const block = bytes.subarray(at, at + bytes.readUInt16LE(at + 16) + 1)
    const size = block.readUInt32LE(block.length - 4)
    blocks.push({ bytes: block, range: [content, content + size] })
    content += size
    at += block.length
  }
  return blocks
}

/** BGZF whose blocks end where it is said: a place that is named twice makes an empty block. */
function bgzfAt(content: Uint8Array, ends: readonly number[], level = 6, extra = Buffer.alloc(0)): Buffer {
  const all = [...ends.filter((end) => end < content.length), content.length]
  const blocks = all.map((end, i) => bgzfBlock(content.subarray(all[i - 1] ?? 0, end), level, extra))
  return Buffer.concat([...blocks, BGZF_END])
}

async function open(data: Uint8Array) {
  const store = memoryStore({ [URI]: data })
  const object = await CloudObject.open(BAM, URI, { store })
  await object.preprocess({ span: 64 << 10 })
  return { object, store }
}

function revive(slice: Slice<Uint8Array>, store: ReadableStore): Slice<Uint8Array> {
  return Slice.fromJSON<Uint8Array>(JSON.stringify(slice), { store })
}

const samples = (count: number, seed: number) =>
  fc.sample(bamRecord, { numRuns: count, seed }).map(encodeBamRecord)

/**
 * The slices are BGZF files that tile the content; they have the blocks of `data` that lie inside each as they are, and no
 * more around them than the header and what is less than two blocks.
 */
async function expectBlocksHandedOn(
  slices: readonly Slice<Uint8Array>[],
  data: Uint8Array,
  header = HEADER,
): Promise<{ handedOn: number; made: number }> {
  const content = gunzipSync(data)
  const stored = blocksOf(data)
  const largest = Math.max(...stored.map(({ bytes }) => bytes.length))
  const repeated = bgzf(header).length
  let [total, handedOn, made, reached] = [0, 0, 0, 0]
  for (const [i, slice] of slices.entries()) {
    const bytes = Buffer.from(await slice.get())
    total += bytes.length
    const [start, end] = await slice.extent()
    const before = i === 0 ? 0 : header.length
    expect(gunzipSync(bytes).subarray(0, header.length).equals(header)).toBe(true)
    expect(gunzipSync(bytes).subarray(before).equals(content.subarray(start, end))).toBe(true)
    if (start < end) {
      expect(start).toBe(reached)
      reached = end
    }
    const own = blocksOf(bytes)
    expect(own.pop()?.bytes.equals(BGZF_END)).toBe(true)
    const inside = stored.filter(({ range: [a, b] }) => a < b && start <= a && b <= end)
    const shift = start - before
    for (const { bytes: block, range } of inside) {
      const same = own.find(({ range: [at] }) => at + shift === range[0])
      expect(same?.bytes.equals(block)).toBe(true)
    }
    handedOn += inside.length
    made += own.length - inside.length
  }
  expect(reached).toBe(content.length)
  // Another deflate may make some bytes more of the same.
  expect(total).toBeLessThanOrEqual(data.length + slices.length * (repeated + 2 * (largest + 32)))
  return { handedOn, made }
}

describe('slices of a BGZF object', () => {
  it('hand on its blocks as they are, wherever these end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(bamRecord, { maxLength: 60 }),
        fc.array(fc.oneof(fc.nat(60_000), fc.nat(3000)), { maxLength: 60 }),
        fc.constantFrom(0, 1, 6),
        fc.constantFrom(Buffer.alloc(0), Buffer.from('XX\x03\x00abc', 'latin1')),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 3000 }),
        async (records, cuts, level, extra, count, piece) => {
          const content = Buffer.concat([HEADER, ...records.map(encodeBamRecord)])
          const ends = [...cuts, ...cuts.slice(0, 3)].sort((a, b) => a - b)
          const data = bgzfAt(content, ends, level, extra)
          const { object, store } = await open(data)
          const pieces = piecemeal(piece)(store)
          for (const slices of [
            await object.partition(partitionNumChunks, { numChunks: count }),
            await object.partition(partitionChunkRecords, { recordsPerChunk: count }),
          ]) {
            const revived = slices.map((slice) => revive(slice, pieces))
            await expectBlocksHandedOn(revived, data)
            expect((await verifyTiling(slices)).faults).toEqual([])
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('hand on nothing else where records end with blocks', async () => {
    const records = samples(40, 5)
    const content = Buffer.concat([HEADER, ...records])
    const ends = [HEADER.length]
    for (const record of records) ends.push((ends.at(-1) as number) + record.length)
    const data = bgzfAt(content, ends)
    const { object } = await open(data)
    const slices = await object.partition(partitionChunkRecords, { recordsPerChunk: 3 })
    const { handedOn, made } = await expectBlocksHandedOn(slices, data)
    expect(handedOn).toBe(41)
    // The header of all but the first.
    expect(made).toBe(slices.length - 1)
  })

  it('are the object itself when there is one, but for its empty blocks', async () => {
    const content = Buffer.concat([HEADER, ...samples(60, 7)])
    const { object } = await open(bgzfAt(content, [10, 10, 500, 4000, 4000, 4000, 9000]))
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    const expected = bgzfAt(content, [10, 500, 4000, 9000])
    expect(expected.equals(Buffer.from(await (slice as Slice<Uint8Array>).get()))).toBe(true)
  })

  it('lie inside one block, or have no record', async () => {
    const records = samples(12, 3)
    const data = bgzf(Buffer.concat([HEADER, ...records]))
    expect(blocksOf(data)).toHaveLength(2)
    const { object } = await open(data)
    for (const numChunks of [2, 12, 20]) {
      const slices = await object.partition(partitionNumChunks, { numChunks })
      expect((await expectBlocksHandedOn(slices, data)).handedOn).toBe(0)
    }
    const slices = await object.partition(partitionNumChunks, { numChunks: 20 })
    const last = Buffer.from(await (slices[19] as Slice<Uint8Array>).get())
    expect(gunzipSync(last).equals(HEADER)).toBe(true)
    expect(blocksOf(last)).toHaveLength(2)
  })

  it('have records that span several blocks', async () => {
    const [template] = fc.sample(bamRecord, { numRuns: 1, seed: 1 }) as [
      Parameters<typeof encodeBamRecord>[0],
    ]
    const long = encodeBamRecord({ ...template, bases: 'ACGT'.repeat(60_000) })
    const data = bgzf(Buffer.concat([HEADER, long, ...samples(5, 2), long, long]), 9000)
    const { object } = await open(data)
    for (const numChunks of [1, 2, 3, 8]) {
      const slices = await object.partition(partitionNumChunks, { numChunks })
      const { made } = await expectBlocksHandedOn(slices, data)
      // Header, and less than a block at each end.
      expect(made).toBeLessThanOrEqual(3 * numChunks)
    }
  })

  it('repeat a header longer than a block', async () => {
    const comments = Array.from({ length: 20_000 }, (_, i) => `@CO\t${(i * 7919) % 1e6}\n`).join('')
    const header = encodeBamHeader(comments, [['chr1', 5]])
    expect(header.length).toBeGreaterThan(2 * 65_536)
    const data = bgzf(Buffer.concat([header, ...samples(90, 4)]), 30_000)
    const { object } = await open(data)
    const slices = await object.partition(partitionNumChunks, { numChunks: 5 })
    await expectBlocksHandedOn(slices, data, header)
  })

  it('read it once, from the block before, and no more of the index', async () => {
    const content = Buffer.concat([HEADER, ...samples(4000, 9)])
    for (const extra of [Buffer.alloc(0), Buffer.from('XX\x03\x00abc', 'latin1')]) {
      const data = bgzf(content, 9000, 6, extra)
      const { object, store } = await open(data)
      const slices = await object.partition(partitionNumChunks, { numChunks: 20 })
      // A stretch of 256 KiB of content at each end and seek points 64 KiB apart; what may be a header before the first.
      const beyond = 2 * 320 * 1024 * (data.length / content.length) + 1024
      for (const slice of slices) {
        const counted = counting(store)
        const { length } = await revive(slice, counted.store).get()
        expect(counted.requests).toBe(1)
        expect(counted.bytes).toBeLessThan(length + beyond)
      }
      await expectBlocksHandedOn(slices, data)
    }
  })
})

describe('an object that is not BGZF, or not throughout', () => {
  it('is deflated anew', async () => {
    const content = Buffer.concat([HEADER, ...samples(1500, 6)])
    const deflated = bgzf(content).length
    for (const data of [content, gzipSync(content), gzipSync(content, { level: 1 })]) {
      const { object } = await open(data)
      const slices = await object.partition(partitionNumChunks, { numChunks: 4 })
      const files = await Promise.all(slices.map((slice) => slice.get()))
      const bodies = files.map((file) => gunzipSync(file).subarray(HEADER.length))
      expect(Buffer.concat(bodies).equals(content.subarray(HEADER.length))).toBe(true)
      const total = files.reduce((sum, file) => sum + file.length, 0)
      expect(total).toBeLessThan(deflated * 1.02 + 4 * 300)
      for (const file of files) {
        for (const { range } of blocksOf(file)) expect(range[1] - range[0]).toBeLessThanOrEqual(65_280)
      }
    }
  })

  it('is handed on as far as it is BGZF, and decoded from there', async () => {
    const content = Buffer.concat([HEADER, ...samples(300, 8)])
    const cut = content.length >> 1
    const parts = [bgzf(content.subarray(0, cut), 5000), gzipSync(content.subarray(cut)), Buffer.alloc(40)]
    const { object } = await open(Buffer.concat(parts))
    for (const numChunks of [1, 3, 10]) {
      const slices = await object.partition(partitionNumChunks, { numChunks })
      const bodies: Buffer[] = []
      for (const slice of slices) bodies.push(gunzipSync(await slice.get()).subarray(HEADER.length))
      expect(Buffer.concat(bodies).equals(content.subarray(HEADER.length))).toBe(true)
    }
  })
})

describe('an object that is damaged on the way', () => {
  const records = samples(120, 11)
  const content = Buffer.concat([HEADER, ...records])
  // Not deflated, so that all blocks are about as long, and what is turned inside shows.
  const data = bgzf(content, 4000, 0)
  const middle = Math.floor(blocksOf(data).length / 2)
  const at = blocksOf(data)
    .slice(0, middle)
    .reduce((sum, { bytes }) => sum + bytes.length, 0)
  const { length } = blocksOf(data)[middle]?.bytes ?? BGZF_END

  /** A store that gives byte `offset` of the object with some bits turned. */
  const damaging = (inner: ReadableStore, offset: number, bits: number): ReadableStore => ({
    ...inner,
    async *read(uri, range, options) {
      let position = range[0]
      for await (const piece of inner.read(uri, range, options)) {
        const copy = piece.slice()
        const place = offset - position
        if (uri === URI && place >= 0 && place < copy.length) copy[place] = (copy[place] ?? 0) ^ bits
        position += copy.length
        yield copy
      }
    },
  })

  /** What a slice over the block gives for each bit of `offsets` that is turned: an error, or its bytes. */
  async function* outcomes(offsets: readonly number[], numChunks: number) {
    const { object, store } = await open(data)
    const slices = await object.partition(partitionNumChunks, { numChunks })
    const [before] = blocksOf(data)[middle]?.range ?? [0]
    for (const slice of slices) {
      const [start, end] = await slice.extent()
      if (before < start || before + 4000 > end) continue
      for (const offset of offsets) {
        for (let bit = 0; bit < 8; bit++) {
          const outcome = await revive(slice, damaging(store, at + offset, 1 << bit))
            .get()
            .catch((error: unknown) => error)
          yield { offset, bit, outcome, expected: await slice.get() }
        }
      }
    }
  }

  it.each([1, 2])('tells where: magic, method and size of a block, in %i slices', async (numChunks) => {
    let seen = 0
    for await (const { offset, bit, outcome } of outcomes([0, 1, 2, 16, 17], numChunks)) {
      seen++
      expect(isDataplugError(outcome, 'MALFORMED_DATA'), `byte ${offset} bit ${bit}`).toBe(true)
      expect(outcome).toMatchObject({ uri: URI })
      expect((outcome as Error).message).toMatch(/byte \d+/)
    }
    expect(seen).toBe(40)
  })

  it('is refused, or read right, whichever bit of the header is turned', async () => {
    for await (const { offset, bit, outcome, expected } of outcomes([...Array(18).keys()], 2)) {
      if (isDataplugError(outcome, 'MALFORMED_DATA')) continue
      expect(outcome, `byte ${offset} bit ${bit}`).toBeInstanceOf(Uint8Array)
      const found = gunzipSync(outcome as Uint8Array)
      expect(found.equals(gunzipSync(expected)), `byte ${offset} bit ${bit}`).toBe(true)
    }
  })

  it('is refused when a block has other bytes of content than it says', async () => {
    const sizes = [4, 3, 2, 1].map((before) => length - before)
    for await (const { bit, outcome } of outcomes(sizes, 2)) {
      const isRefused =
        isDataplugError(outcome, 'MALFORMED_DATA') || isDataplugError(outcome, 'INVALID_SLICE')
      expect(isRefused, `bit ${bit}`).toBe(true)
    }
  })

  it('keeps the checksum of a block that is damaged inside, which readers look at', async () => {
    for await (const { outcome } of outcomes([300, length - 5], 2)) {
      expect(outcome).toBeInstanceOf(Uint8Array)
      expect(() => gunzipSync(outcome as Uint8Array)).toThrow()
    }
  })

  it('is refused when it ends early', async () => {
    const { object, store } = await open(data)
    const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
    for (const end of [at, at + 7, at + 200]) {
      const short: ReadableStore = {
        ...store,
        async *read(uri, range, options) {
          yield* store.read(uri, uri === URI ? [range[0], Math.min(range[1], end)] : range, options)
        },
      }
      await expect(revive(slice as Slice<Uint8Array>, short).get()).rejects.toMatchObject({
        code: 'MALFORMED_DATA',
      })
    }
  })
})
