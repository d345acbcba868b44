import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { parseRegion } from '../../src/formats/shared/region.js'
import { partitionRegions, VCF } from '../../src/formats/vcf.js'
import { memoryStore } from '../../src/storage/memory.js'
import { bgzf } from '../compression/bgzf.js'
import { blocksOf, encodeBinning, type Placed } from './binning-encoder.js'
import { counting, piecemeal } from './open-text.js'

const HEADER = '##fileformat=VCFv4.2\n##contig=<ID=empty>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
const NAMES = ['chr1', 'chr10', 'HLA:01']

interface Variant {
  readonly reference: number
  /** From 1. */
  readonly position: number
  readonly length: number
  readonly info: string
}

interface Indexed {
  readonly bytes: Buffer
  readonly lines: readonly string[]
  readonly placed: readonly Placed[]
  readonly encode: (kind: 'tbi' | 'csi') => Buffer
}

/** Lines in order of position, in blocks of `blockSize` bytes, and what an index is made of. */
function makeIndexed(variants: readonly Variant[], blockSize: number, kindShape = {}): Indexed {
  const sorted = [...variants].sort((a, b) => a.reference - b.reference || a.position - b.position)
  const placed: Placed[] = []
  const lines: string[] = []
  let at = HEADER.length
  for (const [i, { reference, position, length, info }] of sorted.entries()) {
    const line = `${NAMES[reference]}\t${position}\tr${i}\t${'A'.repeat(length)}\tC\t.\t.\t${info}\n`
    const start = Math.max(position - 1, 0)
    const claimed = /(?:^|;)END=(\d+)/.exec(info)?.[1]
    const end = claimed !== undefined && Number(claimed) > start ? Number(claimed) : start + length
    placed.push({ reference, start, end, from: at, to: at + line.length })
    lines.push(line)
    at += line.length
  }
  const { bytes, virtual } = blocksOf(Buffer.from(HEADER + lines.join('')), blockSize, 1)
  const encode = (kind: 'tbi' | 'csi') =>
    bgzf(encodeBinning(kind, NAMES, placed, virtual, { ...kindShape, tabix: true }))
  return { bytes, lines, placed, encode }
}

async function open(bytes: Uint8Array, siblings: Readonly<Record<string, Uint8Array>>, piece = 65_536) {
  const files = Object.entries(siblings).map(([name, data]) => [`memory:d/${name}`, data] as const)
  const inner = memoryStore({ 'memory:d/x.vcf.gz': bytes, ...Object.fromEntries(files) })
  const object = await CloudObject.open(VCF, 'memory:d/x.vcf.gz', { store: piecemeal(piece)(inner) })
  await object.preprocess({ span: 64 << 10 })
  return object
}

const regionsOf = (regions: readonly string[]) => ({ regions })

const variant = fc.record({
  reference: fc.nat(2),
  position: fc.oneof(fc.nat(300), fc.nat(200_000), fc.nat(3_000_000)),
  length: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 })),
  info: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('.', 'DP=3', 'CIEND=1,2;DP=4', 'XEND=7', 'END=.') },
    { weight: 1, arbitrary: fc.nat(2_000_000).map((end) => `DP=1;END=${end}`) },
    { weight: 1, arbitrary: fc.nat(400).map((end) => `END=${end};X`) },
  ),
})
const span = fc.tuple(
  fc.constantFrom(...NAMES),
  fc.oneof(fc.nat(300), fc.nat(3_000_000)),
  fc.oneof(fc.constant(0), fc.nat(500), fc.nat(400_000)),
)

describe('VCF regions', () => {
  it('have the records that overlap them, through .tbi and .csi', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(variant, { maxLength: 120 }),
        fc.array(span, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 20, max: 3000 }),
        fc.constantFrom('tbi', 'csi'),
        fc.record({ minShift: fc.integer({ min: 8, max: 14 }), depth: fc.constant(6) }),
        fc.integer({ min: 1, max: 200 }),
        async (variants, spans, blockSize, kind, shape, piece) => {
          const { bytes, lines, placed, encode } = makeIndexed(
            variants,
            blockSize,
            kind === 'csi' ? shape : {},
          )
          const object = await open(bytes, { [`x.vcf.gz.${kind}`]: encode(kind) }, piece)
          const slices = await object.partition(
            partitionRegions,
            regionsOf(spans.map(([name, start, length]) => `${name}:${start + 1}-${start + length + 1}`)),
          )
          for (const [i, [name, start, length]] of spans.entries()) {
            const expected = lines.filter((_, k) => {
              const record = placed[k] as Placed
              return (
                NAMES[record.reference] === name && record.start < start + length + 1 && record.end > start
              )
            })
            const slice = slices[i] as Slice<string>
            const revived = Slice.fromJSON<string>(JSON.stringify(slice), slice.storage())
            expect(await revived.get()).toBe(HEADER + expected.join(''))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of whole sequences are all records, each once', async () => {
    const variants = Array.from({ length: 500 }, (_, i) => ({
      reference: i % 3,
      position: 1 + i * 997,
      length: 1,
      info: '.',
    }))
    const { bytes, lines, encode } = makeIndexed(variants, 2000)
    const object = await open(bytes, { 'x.vcf.gz.tbi': encode('tbi') })
    expect(object.attributes.regionIndex).toBe('x.vcf.gz.tbi')
    const slices = await object.partition(partitionRegions, regionsOf([...NAMES, 'empty']))
    const texts = await Promise.all(slices.map((slice) => slice.get()))
    expect(texts.map((text) => text.slice(HEADER.length)).join('')).toBe(lines.join(''))
    expect(texts[3]).toBe(HEADER)
    const records: unknown[] = []
    for await (const record of (slices[2] as Slice).records()) records.push(record)
    expect(records).toHaveLength(166)
    await expect((slices[0] as Slice).extent()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('read little more than they deliver', async () => {
    const variants = Array.from({ length: 60_000 }, (_, i) => ({
      reference: 0,
      position: 1 + i * 50,
      length: 1,
      // One that spans everything must not make every region read everything.
      info: i === 0 ? 'END=3000000' : `NOTE=${((i * 7919) % 1e6) * 999_983}`,
    }))
    const { bytes, encode } = makeIndexed(variants, 8000)
    const counted = counting(memoryStore({ 'memory:x.vcf.gz': bytes, 'memory:x.vcf.gz.tbi': encode('tbi') }))
    const object = await CloudObject.open(VCF, 'memory:x.vcf.gz', { store: counted.store })
    await object.preprocess({ span: 64 << 10 })
    const [slice] = await object.partition(partitionRegions, regionsOf(['chr1:2,000,001-2,100,000']))
    counted.requests = 0
    counted.bytes = 0
    const text = await (slice as Slice<string>).get()
    expect(text.split('\n')).toHaveLength(2000 + 1 + 4)
    expect(counted.requests).toBe(2)
    expect(counted.bytes).toBeLessThan(bytes.length / 6)
  })

  it('need an index that fits', async () => {
    const { bytes, encode } = makeIndexed([{ reference: 0, position: 5, length: 1, info: '.' }], 3000)
    const ask = async (object: CloudObject<typeof VCF>, region: unknown = 'chr1') =>
      object.partition(partitionRegions, { regions: [region] as string[] })
    await expect(ask(await open(bytes, {}))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const plain = await open(Buffer.from(HEADER), { 'x.vcf.gz.tbi': encode('tbi') })
    await expect(ask(plain)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const gzip = await open(gzipSync(HEADER), { 'x.vcf.gz.tbi': encode('tbi') })
    await expect(ask(gzip)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const other = makeIndexed(
      Array.from({ length: 90 }, (_, i) => ({ reference: 0, position: i * 9999, length: 9, info: '.' })),
      100,
    )
    const foreign = await open(bytes, { 'x.vcf.gz.tbi': other.encode('tbi') })
    await expect(ask(foreign)).rejects.toMatchObject({ code: 'INVALID_INDEX' })
    const notVcf = bgzf(encodeBinning('csi', NAMES, [], () => 0n))
    await expect(ask(await open(bytes, { 'x.vcf.gz.csi': notVcf }))).rejects.toMatchObject({
      code: 'INVALID_INDEX',
    })
    const good = await open(bytes, { 'x.vcf.gz.tbi': encode('tbi') })
    for (const region of ['chr3', 'chr1:5', 'chr1:0-3', 'chr1:9-3', 'chr1:a-b', '', 7, null]) {
      await expect(ask(good, region)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(good.partition(partitionRegions, {} as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('refuse a damaged index when the object is preprocessed, and hang on none', async () => {
    const { bytes, encode } = makeIndexed([{ reference: 0, position: 5, length: 1, info: '.' }], 3000)
    const { gunzipSync } = await import('node:zlib')
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('tbi', 'csi'),
        fc.nat(400),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (kind, at, change, cut) => {
          const raw = gunzipSync(encode(kind))
          const damaged = cut ? raw.subarray(0, at % raw.length) : Buffer.from(raw)
          if (!cut) damaged[at % raw.length] = (damaged[at % raw.length] ?? 0) ^ change
          const outcome = await open(bytes, { [`x.vcf.gz.${kind}`]: bgzf(damaged) })
            .then((object) => object.partition(partitionRegions, regionsOf(['chr1:1-10'])))
            .then((slices) => slices[0]?.get())
            .catch((error: unknown) => error)
          if (typeof outcome === 'string') expect(outcome.startsWith(HEADER)).toBe(true)
          else expect(outcome).toMatchObject({ code: expect.stringMatching(/^INVALID_(INDEX|ARGUMENT)$/) })
        },
      ),
      { numRuns: 100 },
    )
  })

  it('are written as samtools writes them', () => {
    const known = (name: string) => ['chr1', 'HLA:01', 'a:1-2'].includes(name)
    expect(parseRegion('chr1', known)).toEqual({ name: 'chr1', start: 0, end: Number.MAX_SAFE_INTEGER })
    expect(parseRegion('chr1:1,000-2,000', known)).toEqual({ name: 'chr1', start: 999, end: 2000 })
    expect(parseRegion('chr1:7-', known)).toEqual({ name: 'chr1', start: 6, end: Number.MAX_SAFE_INTEGER })
    expect(parseRegion('chr1:-7', known)).toEqual({ name: 'chr1', start: 0, end: 7 })
    expect(parseRegion('HLA:01', known).name).toBe('HLA:01')
    expect(parseRegion('HLA:01:3-4', known)).toEqual({ name: 'HLA:01', start: 2, end: 4 })
    expect(parseRegion('{HLA:01}:3-4', known)).toEqual({ name: 'HLA:01', start: 2, end: 4 })
    expect(parseRegion('{HLA:01}', known).end).toBe(Number.MAX_SAFE_INTEGER)
    expect(parseRegion('a:1-2', known).name).toBe('a:1-2')
  })
})
