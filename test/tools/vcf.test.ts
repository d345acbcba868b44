import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { partitionChunkRecords, partitionNumChunks, partitionRegions, VCF } from '../../src/formats/vcf.js'
import { openStorage } from '../../src/storage/index.js'
import { sideBySide } from '../compression/objects.js'
import { output, workFolder } from './programs.js'

// Files of Debian packages, see scripts/test-tools.mjs; read by bcftools and tabix.

const samples = process.env.DEBIAN_SAMPLES ?? ''
const annotation = 'usr/lib/R/site-library/VariantAnnotation'
const htslib = 'usr/share/htslib-test/test'
const pysam = 'usr/share/doc/python-pysam/tests'
const whole = [
  `${annotation}/extdata/chr22.vcf.gz`,
  `${annotation}/extdata/hapmap_exome_chr22.vcf.gz`,
  `${annotation}/extdata/h1187-10k.vcf.gz`,
  `${annotation}/extdata/gl_chr1.vcf`,
  `${annotation}/extdata/structural.vcf`,
  `${annotation}/unitTests/cases/banded_gvcf.vcf`,
  `${annotation}/unitTests/cases/mixedStructural.vcf`,
  `${htslib}/index.vcf`,
  `${htslib}/longrefs/index.vcf`,
  `${pysam}/cbcf_data/example_vcf43_with_utf8.vcf`,
  `${pysam}/cbcf_data/example_vcf42_only_header.vcf`,
  `${pysam}/tabix_data/vcf/22.vcf.gz`,
  `${pysam}/tabix_data/vcf/16.vcf.gz`,
]

const at = workFolder()

/** Preprocessed; the index lies in the work folder. */
async function open(path: string) {
  const metadata = `${at(path.replaceAll('/', '_'))}.dataplug`
  const object = await CloudObject.open(VCF, path, { store: openStorage(), metadata })
  await object.preprocess({ executor: sideBySide, chunkSize: 50_000, span: 1 << 16 })
  return object
}

const viewed = (path: string, ...options: string[]) =>
  output('bcftools', 'view', '--no-version', ...options, path)

it.each(whole)('%s', async (file) => {
  const path = join(samples, file)
  const stored = await readFile(path)
  const content = file.endsWith('.gz') ? gunzipSync(stored) : stored
  const object = await open(path)
  const { samples: names, totalRecords, bodyOffset } = object.attributes
  expect(names.join('\n')).toBe((await output('bcftools', 'query', '-l', path)).toString().trim())
  const records = await viewed(path, '-H')
  expect(totalRecords).toBe(records.toString().split('\n').length - 1)

  for (const slices of [
    await object.partition(partitionNumChunks, { numChunks: 7 }),
    await object.partition(partitionChunkRecords, { recordsPerChunk: Math.ceil(totalRecords / 5) || 1 }),
  ]) {
    const bodies: Buffer[] = []
    const read: Buffer[] = []
    let parsed = 0
    for (const slice of slices) {
      const part = at(`part-${slice.id}.vcf`)
      await writeFile(part, await slice.bytes())
      const bytes = await readFile(part)
      expect(bytes.subarray(0, bodyOffset).equals(content.subarray(0, bodyOffset))).toBe(true)
      bodies.push(bytes.subarray(bodyOffset))
      read.push(await viewed(part, '-H'))
      for await (const _ of slice.records()) parsed++
    }
    expect(Buffer.concat(bodies).equals(content.subarray(bodyOffset))).toBe(true)
    expect(Buffer.concat(read).equals(records)).toBe(true)
    expect(parsed).toBe(totalRecords)
  }
})

describe('regions', () => {
  const indexed = [
    [`${annotation}/extdata/chr22.vcf.gz`, 'as it is'],
    [`${annotation}/extdata/hapmap_exome_chr22.vcf.gz`, 'as it is'],
    [`${annotation}/extdata/h1187-10k.vcf.gz`, 'as it is'],
    [`${annotation}/extdata/structural.vcf`, 'tbi'],
    [`${annotation}/unitTests/cases/banded_gvcf.vcf`, 'tbi'],
    [`${annotation}/unitTests/cases/banded_gvcf.vcf`, 'csi'],
    [`${htslib}/index.vcf`, 'tbi'],
    [`${htslib}/index.vcf`, 'csi'],
    [`${htslib}/longrefs/index.vcf`, 'csi'],
  ] as const

  it.each(indexed)('of %s, %s, are those of tabix and bcftools', async (file, kind) => {
    let path = join(samples, file)
    if (kind !== 'as it is') {
      const content = await readFile(path)
      path = at(`${kind}-${file.replaceAll('/', '_')}.gz`)
      await writeFile(path, content)
      await copyFile(path, path.slice(0, -3))
      await writeFile(path, await output('bgzip', '-c', path.slice(0, -3)))
      await output('bcftools', 'index', '-f', kind === 'tbi' ? '-t' : '-c', path)
    }
    const object = await open(path)
    const positions = new Map<string, number[]>()
    for (const line of (await viewed(path, '-H')).toString().split('\n').slice(0, -1)) {
      const [name = '', position = ''] = line.split('\t', 2)
      positions.set(name, [...(positions.get(name) ?? []), Number(position)])
    }
    const regions = [...positions].flatMap(([name, all]) => {
      const some = [all[0], all[all.length >> 1], all.at(-1)] as number[]
      return [
        name,
        `${name}:${some[1]}-`,
        ...some.flatMap((p) => [
          `${name}:${p}-${p}`,
          `${name}:${p + 1}-${p + 5}`,
          `${name}:${p + 1}-${p + 90_000}`,
        ]),
      ]
    })
    const slices = await object.partition(partitionRegions, { regions })
    for (const [i, slice] of slices.entries()) {
      const part = at('region.vcf')
      await writeFile(part, await slice.bytes())
      const text = (await readFile(part)).subarray(object.attributes.bodyOffset)
      expect(text.equals(await output('tabix', path, regions[i] as string)), regions[i]).toBe(true)
      // bcftools drops an END beyond 31 bits, tabix does not.
      if (file.includes('longrefs')) continue
      const ours = await viewed(part, '-H')
      expect(ours.equals(await viewed(path, '-H', '-r', regions[i] as string)), regions[i]).toBe(true)
    }
  })
})
