import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Slice } from '../../src/cloud/slice.js'
import { BAM, type BamRecord, partitionNumChunks, partitionRegions } from '../../src/formats/bam.js'
import { openStorage } from '../../src/storage/index.js'
import { sideBySide } from '../compression/objects.js'
import { output, workFolder } from './programs.js'

// Files of Debian packages, see scripts/test-tools.mjs; read by samtools.

const samples = process.env.DEBIAN_SAMPLES ?? ''
const htslib = 'usr/share/htslib-test/test'
const pysam = 'usr/share/doc/python-pysam/tests/pysam_data'
const files = [
  'usr/share/doc/bowtie2/examples/reads/combined_reads.bam.gz',
  `${htslib}/range.bam`,
  `${htslib}/colons.bam`,
  `${htslib}/no_hdr_sq_1.bam`,
  `${htslib}/mpileup/small.bam`,
  `${pysam}/ex1.bam.gz`,
  `${pysam}/ex2.bam.gz`,
  `${pysam}/with_md.bam.gz`,
  `${pysam}/uncompressed.bam.gz`,
  `${pysam}/example_btag.bam`,
  `${pysam}/example_empty_with_header.bam`,
  `${pysam}/example_unmapped_reads_no_sq.bam`,
  `${pysam}/0example_no_seq_in_header.bam`,
  `${pysam}/0example_no_seq_in_header_null_bytes.bam`,
  `${pysam}/test_mapped_unmapped.bam`,
]

const at = workFolder()

/** The BAM itself: some are compressed a second time. */
async function bamOf(file: string): Promise<string> {
  if (!file.endsWith('.gz')) return join(samples, file)
  const path = at(file.replaceAll('/', '_').slice(0, -3))
  await writeFile(path, gunzipSync(await readFile(join(samples, file))))
  return path
}

async function open(path: string) {
  const metadata = `${at(path.replaceAll('/', '_'))}.dataplug`
  const object = await CloudObject.open(BAM, path, { store: openStorage(), metadata })
  await object.preprocess({ executor: sideBySide, chunkSize: 70_000, span: 1 << 16 })
  return object
}

const view = (...options: string[]) => output('samtools', 'view', ...options)

async function saved(slice: Slice): Promise<string> {
  const part = at('part.bam')
  await writeFile(part, await slice.bytes())
  // -u: without targets is all right, as in unaligned reads.
  await output('samtools', 'quickcheck', '-u', part)
  return part
}

/** Many reads over three references, sorted; by a generator of its own, since real files of this size are large. */
async function makeSorted(): Promise<string> {
  let state = 7
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return ((state >>> 8) * below) >>> 24
  }
  const lines = [
    '@HD\tVN:1.6',
    '@SQ\tSN:chr1\tLN:90000000',
    '@SQ\tSN:HLA:01\tLN:5000',
    '@SQ\tSN:chrX\tLN:90000000',
  ]
  for (let i = 0; i < 30_000; i++) {
    const name = ['chr1', 'HLA:01', 'chrX', '*'][next(4)] as string
    const position = name === '*' ? 0 : 1 + (name === 'HLA:01' ? next(4800) : next(4096) * next(4096))
    const flag = name === '*' ? 4 : next(12) === 0 ? 4 : 0
    const length = 30 + next(100)
    const cigar =
      flag === 4 ? '*' : next(40) === 0 ? `10M${1000 + next(4096) * 20}N${length - 10}M` : `${length}M`
    const bases = 'ACGTTGCA'
      .repeat(20)
      .slice(next(8), length + 8)
      .slice(0, length)
    lines.push(
      `r${i}\t${flag}\t${name}\t${position}\t${next(60)}\t${cigar}\t*\t0\t0\t${bases}\t*\tNM:i:${next(300)}`,
    )
  }
  const sam = at('sorted.sam')
  await writeFile(sam, `${lines.join('\n')}\n`)
  const path = at('sorted.bam')
  await output('samtools', 'sort', '-o', path, sam)
  return path
}

it.each(files)('%s', async (file) => {
  const path = await bamOf(file)
  const object = await open(path)
  const records = await view('--no-PG', path)
  expect(object.attributes.totalRecords).toBe(records.toString().split('\n').length - 1)
  const header = (await view('-H', '--no-PG', path)).toString()
  // samtools adds @SQ lines that a header does not have.
  expect(header.startsWith(object.attributes.header.trim())).toBe(true)
  const parts: Buffer[] = []
  const names: string[] = []
  for (const slice of await object.partition(partitionNumChunks, { numChunks: 5 })) {
    const part = await saved(slice)
    expect((await view('-H', '--no-PG', part)).toString()).toBe(header)
    parts.push(await view('--no-PG', part))
    for await (const record of slice.records()) names.push((record as BamRecord).name)
  }
  expect(Buffer.concat(parts).equals(records)).toBe(true)
  expect(names).toEqual(
    records
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t')[0]),
  )
})

it('slices take about as much as their share of the object, however that is compressed', async () => {
  const sorted = await makeSorted()
  const made = await readFile(sorted)
  const plain = gunzipSync(made)
  const stored = at('stored.bam')
  await output('samtools', 'view', '-u', '--no-PG', '-o', stored, sorted)
  const objects = {
    'deflated.bam': [made, made.length],
    'stored.bam': [await readFile(stored), (await readFile(stored)).length],
    'gzip.bam': [gzipSync(plain), made.length * 1.05],
    'plain.bam': [plain, made.length * 1.05],
  } as const
  const records = await view('--no-PG', sorted)
  for (const [name, [bytes, share]] of Object.entries(objects)) {
    await writeFile(at(name), bytes)
    const object = await open(at(name))
    for (const numChunks of [1, 7, 40]) {
      const parts: Buffer[] = []
      let total = 0
      for (const slice of await object.partition(partitionNumChunks, { numChunks })) {
        const part = await saved(slice)
        total += (await readFile(part)).length
        parts.push(await view('--no-PG', part))
      }
      expect(Buffer.concat(parts).equals(records), name).toBe(true)
      // Header and end of file, and less than two blocks, which are a third of 64 KiB where they are deflated.
      expect(total, name).toBeLessThan(share + numChunks * (name === 'stored.bam' ? 135_000 : 50_000))
    }
  }
})

describe('regions', () => {
  it.each(['bai', 'csi', 'wide csi'])('through .%s are those of samtools', async (kind) => {
    const path = await makeSorted()
    const indexed = at(`${kind.replace(' ', '-')}.bam`)
    await writeFile(indexed, await readFile(path))
    await output(
      'samtools',
      'index',
      ...(kind === 'bai' ? ['-b'] : ['-c', '-m', kind === 'csi' ? '14' : '9']),
      indexed,
    )
    const object = await open(indexed)
    expect(object.attributes).toMatchObject({ sortOrder: 'coordinate', totalRecords: 30_000 })
    const regions = ['chr1', 'chrX', 'HLA:01', '{HLA:01}:100-200', 'chr1:1-1', 'chr1:5000000-5000000']
    for (let start = 1; start < 17_000_000; start += 1_234_567) {
      regions.push(`chr1:${start}-${start + 3000}`, `chrX:${start}-${start + 700_000}`)
    }
    const slices = await object.partition(partitionRegions, { regions })
    let found = 0
    for (const [i, slice] of slices.entries()) {
      const ours = await view('--no-PG', await saved(slice))
      expect(ours.equals(await view('--no-PG', indexed, regions[i] as string)), regions[i]).toBe(true)
      found += ours.length
    }
    expect(found).toBeGreaterThan(2_000_000)
  })

  it('of a file with its own .bai are those of samtools', async () => {
    const path = join(samples, `${htslib}/range.bam`)
    const object = await open(path)
    const regions = ['CHROMOSOME_I', 'CHROMOSOME_II:2980-2980', 'CHROMOSOME_IV:1500-', 'CHROMOSOME_V']
    for (const [i, slice] of (await object.partition(partitionRegions, { regions })).entries()) {
      const ours = await view('--no-PG', await saved(slice))
      expect(ours.equals(await view('--no-PG', path, regions[i] as string))).toBe(true)
    }
  })
})

it('a BAM that is cut off or damaged is refused', async () => {
  for (const file of ['ex2_truncated.bam.gz', 'ex2_corrupt.bam.gz']) {
    const path = await bamOf(`${pysam}/${file}`)
    await expect(open(path)).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
  }
})
