import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { verifyTiling } from '../../src/cloud/verify.js'
import { detectFormat } from '../../src/formats/registry.js'
import type { VcfRecord } from '../../src/formats/vcf/records.js'
import * as vcf from '../../src/formats/vcf.js'
import { memoryStore } from '../../src/storage/memory.js'
import { bgzf } from '../compression/bgzf.js'
import { counting, piecemeal } from './open-text.js'
import { makeVcf, splitVcf } from './vcf-samples.js'

const { VCF, partitionChunkRecords, partitionChunkSize, partitionNumChunks } = vcf

async function open(data: Uint8Array, options: { piece?: number; chunkSize?: number } = {}) {
  const { piece = 65_536, ...rest } = options
  const store = piecemeal(piece)(memoryStore({ 'memory:x.vcf': data }))
  const object = await CloudObject.open(VCF, 'memory:x.vcf', { store })
  await object.preprocess({ span: 64 << 10, ...rest })
  return object
}

async function textsOf(slices: readonly Slice<string>[]): Promise<string[]> {
  return Promise.all(
    slices.map((slice) => Slice.fromJSON<string>(JSON.stringify(slice), slice.storage()).get()),
  )
}

const HEADER = '##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'

describe('VCF', () => {
  it('is cut into VCFs, plain and compressed, that have all records once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(50),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.constantFrom('plain', 'gzip', 'bgzf'),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 20, max: 3000 }),
        async (records, newline, ends, kind, count, piece) => {
          const text = makeVcf(records, newline, ends)
          const content = Buffer.from(text)
          const data = { plain: () => content, gzip: () => gzipSync(content), bgzf: () => bgzf(content, 400) }
          const object = await open(data[kind](), { piece, chunkSize: piece })
          const { header, body } = splitVcf(text)
          expect(object.attributes).toMatchObject({
            totalRecords: records,
            bodyOffset: Buffer.byteLength(header),
          })
          for (const [slices, wanted] of [
            [await object.partition(partitionNumChunks, { numChunks: count }), count],
            [await object.partition(partitionChunkSize, { chunkSize: count * 20 }), undefined],
            [
              await object.partition(partitionChunkRecords, { recordsPerChunk: count }),
              Math.max(1, Math.ceil(records / count)),
            ],
          ] as const) {
            if (wanted !== undefined) expect(slices).toHaveLength(wanted)
            const texts = await textsOf(slices)
            for (const slice of texts) expect(slice.startsWith(header)).toBe(true)
            expect(texts.map((slice) => slice.slice(header.length)).join('')).toBe(body)
            expect((await verifyTiling(slices)).faults).toEqual([])
          }
        },
      ),
      { numRuns: 15 },
    )
  })

  it('has the facts of its header', async () => {
    const { attributes } = await open(Buffer.from(makeVcf(4, '\r\n')))
    expect(attributes).toEqual({
      columns: ['CHROM', 'POS', 'ID', 'REF', 'ALT', 'QUAL', 'FILTER', 'INFO', 'FORMAT', 's#1', 'é'],
      vcfAttributes: {
        fileformat: 'VCFv4.3=x',
        source: 'a=b',
        contig: [
          { ID: 'chr1', length: '248956422' },
          { ID: 'chr2', length: '242193529', assembly: 'b,37 "x"' },
        ],
        INFO: [{ ID: 'END', Number: '1', Type: 'Integer', Description: 'End, of "it" <all>' }],
        FORMAT: [{ ID: 'GT', Number: '1', Type: 'String', Description: 'Genotype' }],
      },
      samples: ['s#1', 'é'],
      contigs: [
        { id: 'chr1', length: 248956422 },
        { id: 'chr2', length: 242193529 },
      ],
      totalRecords: 4,
      totalSamples: 2,
      bodyOffset: Buffer.byteLength(splitVcf(makeVcf(0, '\r\n')).header),
      headerLines: 7,
      omitted: [],
    })
  })

  it('keeps repeated and unstructured lines, and leaves out what no index holds', async () => {
    const more = '##command=a\n##command=b\n##pedigreeDB=<http://x>\n##ALT=<ID=DEL>\n##ALT=odd\n##strange\n'
    const { attributes } = await open(Buffer.from(HEADER.replace('#CHROM', `${more}#CHROM`)))
    expect(attributes.vcfAttributes).toEqual({
      fileformat: 'VCFv4.2',
      command: ['a', 'b'],
      pedigreeDB: '<http://x>',
      ALT: [{ ID: 'DEL' }, 'odd'],
    })
    const samples = Array.from({ length: 60_000 }, (_, i) => `\tsample${i}`).join('')
    const contigs = Array.from({ length: 20_000 }, (_, i) => `##contig=<ID=scaffold${i},length=${i + 1}>\n`)
    const large = HEADER.replace('#CHROM', `${contigs.join('')}#CHROM`).replace(
      'INFO\n',
      `INFO\tFORMAT${samples}\n`,
    )
    const object = await open(Buffer.from(large))
    expect(object.attributes).toMatchObject({
      omitted: ['contigs', 'samples'],
      totalSamples: 60_000,
      samples: [],
      contigs: [],
      vcfAttributes: { fileformat: 'VCFv4.2' },
    })
    expect(object.attributes.columns).toHaveLength(9)
  })

  it('gives records as @gmod/vcf has them', async () => {
    const text = `\ufeff${makeVcf(9)}\n# a comment\n`
    const object = await open(Buffer.from(text))
    expect(object.attributes.totalRecords).toBe(11)
    const records: VcfRecord[] = []
    for (const slice of await object.partition(partitionChunkRecords, { recordsPerChunk: 2 })) {
      for await (const record of slice.records()) records.push(record as VcfRecord)
    }
    expect(records.map(({ ID }) => ID)).toEqual(Array.from({ length: 9 }, (_, i) => [`rs${i}`]))
    expect(records[3]?.INFO).toEqual({ DP: [3], NOTE: ['日'.repeat(15)] })
    expect(records[8]?.SAMPLES()).toEqual({ 's#1': { GT: ['0/1'] }, é: { GT: ['1|1'] } })
  })

  it.each([
    ['text', 'some text\n', 0, /is no VCF: line 1/],
    ['long binary data', '\u0000'.repeat(300_000), 0, /is no VCF: line 1/],
    ['records without a header', '1\t1\t.\tA\tC\t.\t.\t.\n', 0, /is no VCF/],
    [
      'a header without #CHROM',
      '##fileformat=VCFv4.2\n1\t1\t.\tA\tC\t.\t.\t.\n',
      21,
      /line 2 comes before #CHROM/,
    ],
    ['a header that ends', '##fileformat=VCFv4.2\n', 21, /ends before a line that starts with #CHROM/],
    ['another header', '##gff-version 3\n#seqid\tsource\n', 16, /does not end with a line of the columns/],
    ['nothing', '', 0, /is empty/],
  ])('refuses %s', async (_what, text, offset, message) => {
    for (const chunkSize of [7, 64 << 20]) {
      const opened = open(Buffer.from(text), {
        chunkSize: Math.max(chunkSize, text.length >> 8),
        piece: 5000,
      })
      await expect(opened).rejects.toMatchObject({ code: 'MALFORMED_DATA', uri: 'memory:x.vcf', offset })
      await expect(opened).rejects.toThrow(message)
    }
  })

  it('names line and offset of what is no record', async () => {
    const text = `${HEADER}1\t1\t.\tA\tC\t.\t.\t.\n1\t2\t.\tA\n1\tx\t.\tA\tC\t.\t.\t.\n`
    const object = await open(Buffer.from(text))
    const failure = async (slices: readonly Slice[]) => {
      for (const slice of slices) for await (const _ of slice.records());
    }
    const at = HEADER.length + 16
    for (const slices of [
      await object.partition(partitionNumChunks, { numChunks: 1 }),
      await object.partition(partitionChunkRecords, { recordsPerChunk: 1 }),
    ]) {
      await expect(failure(slices)).rejects.toMatchObject({ code: 'MALFORMED_DATA', offset: at })
      await expect(failure(slices)).rejects.toThrow(`line 4 (byte ${at})`)
    }
    const third = (await object.partition(partitionChunkRecords, { recordsPerChunk: 1 })).slice(2)
    await expect(failure(third)).rejects.toThrow(
      `line 5 (byte ${at + 8}) of memory:x.vcf is not a VCF record`,
    )
  })

  it('reads the header once for all slices, or never when it is short', async () => {
    const long = Array.from({ length: 900 }, (_, i) => `##x${i}=${(i * 7919) % 1e6}\n`).join('')
    for (const [header, expected] of [
      [HEADER, 4],
      [HEADER.replace('#CHROM', `${long}#CHROM`), 5],
    ] as const) {
      const text = `${header}${'1\t1\t.\tA\tC\t.\t.\t.\n'.repeat(2000)}`
      const counted = counting(memoryStore({ 'memory:x.vcf': Buffer.from(text) }))
      const object = await CloudObject.open(VCF, 'memory:x.vcf', { store: counted.store })
      await object.preprocess()
      const slices = await object.partition(partitionNumChunks, { numChunks: 4 })
      counted.requests = 0
      expect((await slices[0]?.get())?.startsWith(header)).toBe(true)
      for (const slice of slices.slice(1)) expect((await slice.get()).startsWith(header)).toBe(true)
      expect(counted.requests).toBe(expected)
    }
  })

  it('refuses slices whose header is none', async () => {
    const object = await open(Buffer.from(makeVcf(30)))
    const slices = await object.partition(partitionNumChunks, { numChunks: 3 })
    const line = slices[1]?.toJSON()
    for (const change of [
      { header: undefined, headerBytes: undefined },
      { header: undefined },
      { header: [1, 30] },
      { header: [0, 1 << 27] },
      { header: [0, 12] },
      { headerBytes: '****' },
      { headerBytes: 'AAAA' },
      { headerBytes: 7 },
    ]) {
      const forged = Slice.fromJSON({ ...line, data: { ...line?.data, ...change } }, slices[1]?.storage())
      await expect(forged.bytes()).rejects.toMatchObject({ code: 'INVALID_SLICE' })
    }
  })

  it('is recognised by name and content', async () => {
    const head = async () => Buffer.from(HEADER)
    for (const name of ['a.vcf', 'a.vcf.gz', 'a.VCF.bgz', 'no-name']) {
      expect((await detectFormat(`memory:${name}`, head)).name).toBe('vcf')
    }
  })
})
