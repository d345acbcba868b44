// Two worker threads against one, for the scan of every format: files in page cache, in a process that has started, on
// threads that have started and done the same before.
//   node bench/workers.mjs [MB] [format …]   default 2000, all
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudObject, threads } from 'dataplug'
import { BAM } from 'dataplug/formats/bam'
import { CSV } from 'dataplug/formats/csv'
import { FASTA } from 'dataplug/formats/fasta'
import { FASTQ } from 'dataplug/formats/fastq'
import { JSONLines } from 'dataplug/formats/jsonl'
import { UTF8Text } from 'dataplug/formats/text'
import { VCF } from 'dataplug/formats/vcf'
import { alternate, finish, machine, median, ratio, report } from './measure.mjs'
import { isInstalled, makeFastq } from './programs.mjs'

const MB = 1e6
const [given = '2000', ...wanted] = process.argv.slice(2)
const size = Number(given) * MB
const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))

/** Lines until `length` bytes are there. */
function lines(line, length = 4 * MB) {
  const parts = []
  for (let i = 0, written = 0; written < length; i++) written += parts[parts.push(line(i)) - 1].length
  return Buffer.from(parts.join(''))
}

const vcfHeader =
  '##fileformat=VCFv4.3\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n'

/** What each file begins with, and what is repeated after it. */
const formats = {
  text: [UTF8Text, '', () => lines((i) => `${i} ${'some words of a line '.repeat(1 + (i % 4))}\n`)],
  jsonl: [
    JSONLines,
    '',
    () => lines((i) => `{"id":${i},"name":"name ${i % 97}","values":[${i * 7},${i % 13}]}\n`),
  ],
  csv: [CSV, 'id,name,amount\n', () => lines((i) => `${i},${i % 4 ? 'plain' : '"a, ""b"""'},${i * 7.31}\n`)],
  fastq: [FASTQ, '', () => makeFastq(8 * MB)],
  fasta: [
    FASTA,
    '',
    () => lines((i) => (i % 50_000 ? `${'ACGTTGCAAC'.repeat(6)}\n` : `>sequence_${i}\n`), 60 * MB),
  ],
  vcf: [
    VCF,
    vcfHeader,
    () =>
      lines(
        (i) =>
          `chr1\t${10_000 + i * 17}\trs${i}\tA\tG\t50\tPASS\tDP=${i % 999}\tGT:DP\t0/1:${i % 99}\t1/1:7\n`,
      ),
  ],
  bam: [BAM, undefined, makeBam],
}

/** @returns undefined when samtools is not there */
function makeBam(path) {
  if (!isInstalled('samtools')) return undefined
  const sam = join(folder, 'reads.sam')
  const reads = makeFastq(8 * MB)
    .toString('latin1')
    .split('\n')
  const records = []
  for (let i = 0; i + 3 < reads.length; i += 4) {
    records.push(`read${i}\t0\tchr1\t${1 + i * 10}\t60\t100M\t*\t0\t0\t${reads[i + 1]}\t${reads[i + 3]}\n`)
  }
  write(sam, '@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:chr1\tLN:248956422\n', Buffer.from(records.join('')))
  const { status, stderr } = spawnSync('samtools', ['view', '-b', '-@', '2', '-o', path, sam])
  rmSync(sam)
  if (status !== 0) throw new Error(`samtools view: ${stderr}`)
  return path
}

function write(path, head, block, length = size) {
  const file = openSync(path, 'w')
  writeSync(file, head)
  for (let written = 0; written < length; written += block.length) writeSync(file, block)
  closeSync(file)
  return path
}

try {
  console.log(`two workers over one: ${machine()}`)
  for (const [name, [format, head, block]] of Object.entries(formats)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const at = join(folder, name)
    const path = head === undefined ? block(at) : write(at, head, block())
    if (!path) {
      console.log(`  ${name}: not measured, samtools is not here`)
      continue
    }
    // They stay, also while the other pool works.
    const pools = { one: threads({ size: 1, eager: true }), two: threads({ size: 2, eager: true }) }
    try {
      const preprocess = async (executor) => {
        const object = await CloudObject.open(format, path)
        await object.preprocess({ force: true, executor })
        return JSON.stringify(object.attributes)
      }
      // Equality first.
      if ((await preprocess(pools.one)) !== (await preprocess(pools.two))) throw new Error(`${name} differs`)
      const run = (arm) => () => preprocess(pools[arm]).then(() => {})
      const times = await alternate({ one: run('one'), two: run('two') }, 5)
      const speed = (arm) => `${(statSync(path).size / MB / median(times[arm])).toFixed(0)} MB/s`
      report(name, ratio(times.one, times.two), {
        atLeast: 1.7,
        unit: '×',
        detail: `${speed('two')} and ${speed('one')}`,
      })
    } finally {
      for (const pool of Object.values(pools)) await pool[Symbol.asyncDispose]()
      rmSync(path)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()
