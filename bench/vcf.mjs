// `dataplug preprocess` of a plain VCF in page cache with two threads, against `wc -l`; and how far two workers get
// beyond one with VCF and BAM.
//   node bench/vcf.mjs [GiB]   default 2; a BAM of a tenth of it is made when samtools is there
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alternate, finish, GiB, MiB, machine, median, ratio, report } from './measure.mjs'

const cli = new URL('../dist/cli.js', import.meta.url).pathname
const gibibytes = Number(process.argv[2] ?? 2)
const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))
try {
  console.log(`preprocess, VCF and BAM: ${machine()}`)
  const vcf = makeVcf(join(folder, 'calls.vcf'), gibibytes * GiB)

  // Equality first: the index must count what wc counts.
  const lines = Number(run('wc', ['-l', vcf]).stdout.split(' ')[0])
  const { attributes } = JSON.parse(
    run('node', [cli, 'preprocess', vcf, '--workers', '2', '--json', '--quiet']).stdout,
  )
  const { totalRecords, headerLines } = attributes
  if (totalRecords + headerLines !== lines)
    throw new Error(`wc counts ${lines} lines, the index ${totalRecords}`)

  const vcfTimes = await alternate(
    { two: preprocess(vcf, 2), one: preprocess(vcf, 1), wc: () => run('wc', ['-l', vcf]).seconds },
    5,
  )
  const rate = (seconds, path) => `${(statSync(path).size / MiB / median(seconds)).toFixed(0)} MiB/s`
  report('VCF: wall time ÷ wc -l', ratio(vcfTimes.two, vcfTimes.wc), {
    atMost: 2,
    detail: `${median(vcfTimes.two).toFixed(2)} s at ${rate(vcfTimes.two, vcf)}; wc ${median(vcfTimes.wc).toFixed(2)} s`,
  })
  report('VCF: two workers over one', ratio(vcfTimes.one, vcfTimes.two), { atLeast: 1.7, unit: '×' })

  const bam = makeBam(join(folder, 'reads.bam'), (gibibytes * GiB) / 10)
  if (bam) {
    const counted = Number(run('samtools', ['view', '-c', bam]).stdout)
    const made = run('node', [cli, 'preprocess', bam, '--workers', '2', '--json', '--quiet']).stdout
    const records = JSON.parse(made).attributes.totalRecords
    if (records !== counted) throw new Error(`samtools counts ${counted} records, the index ${records}`)
    const bamTimes = await alternate(
      {
        two: preprocess(bam, 2),
        one: preprocess(bam, 1),
        samtools: () => run('samtools', ['view', '-c', bam]).seconds,
      },
      3,
    )
    report('BAM: wall time ÷ samtools view -c', ratio(bamTimes.two, bamTimes.samtools), {
      detail: `${median(bamTimes.two).toFixed(2)} s at ${rate(bamTimes.two, bam)}; samtools ${median(bamTimes.samtools).toFixed(2)} s`,
    })
    report('BAM: two workers over one', ratio(bamTimes.one, bamTimes.two), { atLeast: 1.7, unit: '×' })
  } else {
    console.log('  BAM: not measured, samtools is not here')
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()

function preprocess(path, workers) {
  const args = [cli, 'preprocess', path, '--workers', String(workers), '--force', '--quiet']
  return () => run('node', args).seconds
}

function run(command, args) {
  const started = performance.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * MiB,
  })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`)
  return { stdout, seconds: (performance.now() - started) / 1000 }
}

/** Records of a few samples, about 130 bytes each, until `size` is reached. */
function makeVcf(path, size) {
  const file = openSync(path, 'w')
  writeSync(
    file,
    '##fileformat=VCFv4.3\n##contig=<ID=chr1>\n##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">\n' +
      '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n' +
      '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC\tD\n',
  )
  const block = []
  for (let i = 0; i < 100_000; i++) {
    const genotypes = Array.from(
      { length: 4 },
      (_, k) => `${(i * k) & 1}/1:${(i * 7919 + k) % 99}:${(i * 31) % 60}`,
    )
    block.push(
      `chr1\t${10_000 + i * 17}\trs${i * 7919}\tA\tG\t${i % 100}.${i % 7}\tPASS\tDP=${(i * 31) % 999}\tGT:DP:GQ\t${genotypes.join('\t')}\n`,
    )
  }
  const text = Buffer.from(block.join(''))
  for (let written = 0; written < size; written += text.length) writeSync(file, text)
  closeSync(file)
  return path
}

/** Reads of 100 bases whose content, not the file, has about `size` bytes. Undefined without samtools. */
function makeBam(path, size) {
  if (spawnSync('samtools', ['--version']).error) return undefined
  const sam = `${path}.sam`
  const file = openSync(sam, 'w')
  writeSync(file, '@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:chr1\tLN:248956422\n')
  let state = 1
  const next = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return ((state >>> 8) * below) >>> 24
  }
  const block = []
  for (let i = 0; i < 20_000; i++) {
    let bases = ''
    let qualities = ''
    for (let k = 0; k < 100; k++) {
      bases += 'ACGT'[next(4)]
      qualities += String.fromCharCode(33 + 20 + next(20))
    }
    block.push(
      `A00123:45:${i}\t0\tchr1\t${1 + next(1 << 23) * 8}\t60\t100M\t*\t0\t0\t${bases}\t${qualities}\tNM:i:${next(5)}\n`,
    )
  }
  const text = Buffer.from(block.join(''))
  for (let written = 0; written < size * 1.2; written += text.length) writeSync(file, text)
  closeSync(file)
  const { status, stderr } = spawnSync('samtools', ['view', '-b', '-@', '2', '-o', path, sam], {
    encoding: 'utf8',
  })
  rmSync(sam)
  if (status !== 0) throw new Error(`samtools view: ${stderr}`)
  return path
}
