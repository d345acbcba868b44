import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { PreprocessOptions } from '../../src/cloud/preprocess.js'
import {
  exportFai,
  FASTA,
  type FastaOptions,
  partitionChunksStrategy,
  partitionRegions,
  partitionSequences,
} from '../../src/formats/fasta.js'
import { openStorage } from '../../src/storage/index.js'
import { contentOf, sideBySide } from '../compression/objects.js'
import { fastaText, parseFasta } from '../formats/fasta-oracle.js'
import { output, workFolder } from './programs.js'

// A file of a Debian package, see scripts/test-tools.mjs, generated ones, and samtools.

const at = workFolder()
const lambda = join(
  process.env.DEBIAN_SAMPLES ?? '',
  'usr/share/doc/bowtie2/examples/reference/lambda_virus.fa.gz',
)

async function open(path: string, options: PreprocessOptions<FastaOptions> = {}) {
  const object = await CloudObject.open(FASTA, path, { store: openStorage() })
  await object.preprocess({ executor: sideBySide, span: 64 << 10, force: true, ...options })
  return object
}

async function faiOf(object: CloudObject<typeof FASTA>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of exportFai(object)) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

/** Sequences of many lengths, with lines of `width`. */
function makeGenome(width: number, eol: string): string {
  let state = 7
  const letters = Array.from({ length: 200_000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return 'ACGTacgtN'[(state >>> 16) % 9]
  }).join('')
  return Array.from({ length: 40 }, (_, i) => {
    const sequence = letters.slice(i * 31, (i * 31 + (i + 1) ** 3) % 200_000)
    const lines = sequence.match(new RegExp(`.{1,${width}}`, 'g')) ?? []
    return `>chr${i}|x some description > ${i}${eol}${lines.map((line) => line + eol).join('')}`
  }).join('')
}

const genomes: readonly (readonly [name: string, text: () => Promise<string>])[] = [
  ['lambda.fa', async () => gunzipSync(await readFile(lambda)).toString('latin1')],
  ['lines-of-60.fa', async () => makeGenome(60, '\n')],
  ['crlf.fa', async () => makeGenome(70, '\r\n')],
  ['one-line.fa', async () => makeGenome(1 << 20, '\n')],
  ['no-final-newline.fa', async () => makeGenome(61, '\n').trimEnd()],
]

it.each(genomes)('%s: .fai and regions are those of samtools, plain and BGZF', async (name, text) => {
  const path = at(name)
  await writeFile(path, await text(), 'latin1')
  const content = await readFile(path)
  const copy = at(`samtools-${name}`)
  await copyFile(path, copy)
  await output('samtools', 'faidx', copy)
  const fai = await readFile(`${copy}.fai`, 'latin1')
  const rows = fai
    .trim()
    .split('\n')
    .map((row) => row.split('\t'))
  const regions = rows.flatMap(([name = '', length = '0']) => {
    const end = Number(length)
    const middle = end >> 1
    return [name, `${name}:${middle + 1}-${end + 5}`, `${name}:-${middle + 1}`, `${name}:${end}-${end}`]
  })
  const expected = (await output('samtools', 'faidx', copy, ...regions)).toString('latin1')

  const packed = at(`${name}.gz`)
  await writeFile(packed, await output('bgzip', '-c', path))
  for (const file of [path, packed]) {
    const object = await open(file, { chunkSize: 100_000 })
    expect(await faiOf(object)).toBe(fai)
    expect(object.attributes.totalResidues).toBe(rows.reduce((sum, [, length]) => sum + Number(length), 0))
    expect((await contentOf(await object.partition(partitionRegions, { regions }))).toString('latin1')).toBe(
      expected,
    )
    const whole = await object.partition(partitionSequences, { numChunks: 7 })
    expect((await contentOf(whole)).equals(content)).toBe(true)
    // samtools takes each slice, cut or not, and finds all residues in them.
    let residues = 0
    for (const [i, slice] of (await object.partition(partitionChunksStrategy, { numChunks: 6 })).entries()) {
      const part = at(`slice-${i}.fa`)
      const bytes = await slice.bytes()
      if (bytes.length === 0) continue
      await writeFile(part, bytes)
      await output('samtools', 'faidx', '--fai-idx', `${part}.fai`, part)
      for (const row of (await readFile(`${part}.fai`, 'latin1')).trim().split('\n')) {
        residues += Number(row.split('\t')[1])
      }
    }
    expect(residues).toBe(object.attributes.totalResidues)
  }

  // With the indexes of samtools beside it, a BGZF object is indexed as by a scan.
  const scanned = await readFile(`${packed}.dataplug`)
  await copyFile(`${copy}.fai`, `${packed}.fai`)
  await open(packed)
  expect((await readFile(`${packed}.dataplug`)).equals(scanned)).toBe(true)
})

it('takes and refuses what samtools takes and refuses, but for rows that it cannot read', async () => {
  await fc.assert(
    // C has no names with a zero in them.
    fc.asyncProperty(
      fastaText.map((text) => text.replaceAll('\x00', 'A')),
      async (text) => {
        const path = at('any.fa')
        await writeFile(path, text, 'latin1')
        const theirs = await output('samtools', 'faidx', '--fai-idx', at('any.fai'), path).then(
          () => readFile(at('any.fai'), 'latin1'),
          () => undefined,
        )
        const ours = await faiOf(await open(path)).catch(() => undefined)
        const sequences = parseFasta(text)
        if (typeof sequences === 'number') throw new Error('the generator makes FASTA')
        if (sequences.some(({ noLineBases }) => noLineBases)) expect(ours).toBe(undefined)
        // It also refuses a file without sequences, and one that ends with a header.
        else if (theirs !== undefined) expect(ours).toBe(theirs)
      },
    ),
    { numRuns: 60 },
  )
})
