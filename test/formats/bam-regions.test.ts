import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { BAM, type BamRecord, partitionRegions } from '../../src/formats/bam.js'
import { memoryStore } from '../../src/storage/memory.js'
import { bgzf } from '../compression/bgzf.js'
import { type BamRecordFields, bamRecord, encodeBamHeader, encodeBamRecord, endOf } from './bam-encoder.js'
import { blocksOf, encodeBinning } from './binning-encoder.js'

const NAMES = ['chr1', 'chr10', 'HLA:01']
const HEADER = encodeBamHeader(
  '@HD\tVN:1.6\tSO:coordinate\n',
  NAMES.map((name) => [name, 5_000_000] as const),
)

function makeIndexed(fields: readonly BamRecordFields[], blockSize: number, shape = {}) {
  const order = ({ reference }: BamRecordFields) => (reference === -1 ? NAMES.length : reference)
  const records = [...fields].sort((a, b) => order(a) - order(b) || a.position - b.position)
  const encoded = records.map(encodeBamRecord)
  let at = HEADER.length
  const placed = records.map((record, i) => {
    const from = at
    at += (encoded[i] as Buffer).length
    return { reference: record.reference, start: record.position, end: endOf(record), from, to: at }
  })
  const { bytes, virtual } = blocksOf(Buffer.concat([HEADER, ...encoded]), blockSize, 1)
  const encode = (kind: 'bai' | 'csi') => {
    const index = encodeBinning(kind, NAMES, placed, virtual, kind === 'csi' ? shape : {})
    return kind === 'bai' ? index : bgzf(index)
  }
  return { bytes, records, encoded, placed, encode }
}

async function open(bytes: Uint8Array, siblings: Readonly<Record<string, Uint8Array>>) {
  const files = Object.entries(siblings).map(([name, data]) => [`memory:d/${name}`, data] as const)
  const store = memoryStore({ 'memory:d/x.bam': bytes, ...Object.fromEntries(files) })
  const object = await CloudObject.open(BAM, 'memory:d/x.bam', { store })
  await object.preprocess({ span: 64 << 10 })
  return object
}

const span = fc.tuple(
  fc.constantFrom(...NAMES),
  fc.oneof(fc.nat(400), fc.nat(60_000), fc.nat(2_000_000)),
  fc.oneof(fc.constant(0), fc.nat(500), fc.nat(400_000)),
)

describe('BAM regions', () => {
  it('have the records that overlap them, through .bai and .csi', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(bamRecord, { maxLength: 80 }),
        fc.array(span, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 60, max: 3000 }),
        fc.constantFrom('bai', 'csi'),
        fc.record({ minShift: fc.integer({ min: 8, max: 14 }), depth: fc.constant(6) }),
        async (fields, spans, blockSize, kind, shape) => {
          const { bytes, records, encoded, placed, encode } = makeIndexed(fields, blockSize, shape)
          const object = await open(bytes, { [`x.bam.${kind}`]: encode(kind) })
          const regions = spans.map(([name, start, length]) => `${name}:${start + 1}-${start + length + 1}`)
          const slices = await object.partition(partitionRegions, { regions })
          for (const [i, [name, start, length]] of spans.entries()) {
            const inside = placed.flatMap(({ reference, start: from, end }, k) =>
              NAMES[reference] === name && from < start + length + 1 && end > start ? [k] : [],
            )
            const slice = slices[i] as Slice<Uint8Array>
            const revived = Slice.fromJSON<Uint8Array>(JSON.stringify(slice), slice.storage())
            const content = gunzipSync(await revived.get())
            expect(content.equals(Buffer.concat([HEADER, ...inside.map((k) => encoded[k] as Buffer)]))).toBe(
              true,
            )
            const names: string[] = []
            for await (const record of revived.records()) names.push((record as BamRecord).name)
            expect(names).toEqual(inside.map((k) => records[k]?.name))
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('need an index that fits', async () => {
    const { bytes, encode } = makeIndexed(fc.sample(bamRecord, { numRuns: 9, seed: 1 }), 900)
    const regions = ['chr1']
    const without = await open(bytes, {})
    await expect(without.partition(partitionRegions, { regions })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
    const short = await open(bytes, { 'x.bai': encode('bai') })
    expect(short.attributes.regionIndex).toBe('x.bai')
    expect(await short.partition(partitionRegions, { regions })).toHaveLength(1)
    for (const region of ['chr2', 'chr1:5', '*']) {
      await expect(short.partition(partitionRegions, { regions: [region] })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
    const more = encodeBinning('bai', ['a', 'b', 'c', 'd'], [], () => 0n)
    const foreign = await open(bytes, { 'x.bam.bai': more })
    await expect(foreign.partition(partitionRegions, { regions })).rejects.toMatchObject({
      code: 'INVALID_INDEX',
    })
    await expect(open(bytes, { 'x.bam.bai': Buffer.from('BAI\u0001\u0001') })).rejects.toMatchObject({
      code: 'INVALID_INDEX',
    })
  })
})
