// `dataplug preprocess` of a FASTA in page cache, process start included, against `samtools faidx` on the same file;
// two workers against one; a genome of long sequences, and short ones.
//   node bench/fasta.mjs [GiB]   default 1
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alternate, finish, GiB, MiB, machine, median, ratio, report } from './measure.mjs'

const cli = join(new URL('..', import.meta.url).pathname, 'dist/cli.js')
const size = Number(process.argv[2] ?? 1) * GiB
const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))
try {
  console.log(`fasta, ${(size / MiB).toFixed(0)} MiB: ${machine()}`)
  const genome = make('genome.fa', size, (i) => ({ residues: (i % 5 === 0 ? 250 : 20) * 1e6, width: 60 }))
  const larger = make('larger.fa', 2 * size, () => ({ residues: 100e6, width: 60 }))
  const short = make('short.fa', size / 4, (i) => ({ residues: 100 + ((i * 7919) % 200), width: 1000 }))
  for (const [name, file, target] of [
    ['genome', genome, 2],
    ['short sequences', short, undefined],
  ]) {
    // Equality first: the same .fai.
    run('node', [cli, 'preprocess', file, '--workers', '2', '--force', '--quiet'])
    run('node', [cli, 'index', 'export', file, '--to', 'fai', '-o', `${file}.ours`])
    run('samtools', ['faidx', '--fai-idx', `${file}.theirs`, file])
    if (!readFileSync(`${file}.ours`).equals(readFileSync(`${file}.theirs`))) throw new Error('other .fai')
    const times = await alternate(
      {
        one: () => preprocess(file, 1),
        two: () => preprocess(file, 2),
        samtools: () => run('samtools', ['faidx', '--fai-idx', `${file}.theirs`, file]),
      },
      5,
    )
    const rate = (arm) => `${(statSync(file).size / MiB / median(times[arm])).toFixed(0)} MiB/s`
    const detail = `one worker ${rate('one')}, two ${rate('two')}; samtools ${rate('samtools')}`
    report(`${name}: samtools faidx ÷ preprocess, one worker`, ratio(times.samtools, times.one), {
      ...(target && { atLeast: target }),
      unit: '×',
      detail,
    })
    report(`${name}: index ÷ object`, statSync(`${file}.dataplug`).size / statSync(file).size)
  }
  const times = await alternate({ one: () => preprocess(larger, 1), two: () => preprocess(larger, 2) }, 5)
  report('twice the size: one worker ÷ two', ratio(times.one, times.two), {
    atLeast: 1.7,
    unit: '×',
    detail: `${median(times.one).toFixed(2)} and ${median(times.two).toFixed(2)} s`,
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()

function preprocess(file, workers) {
  return run('node', [cli, 'preprocess', file, '--workers', `${workers}`, '--force', '--quiet'])
}

function run(command, args) {
  const started = performance.now()
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`)
  return (performance.now() - started) / 1000
}

/** A file of about `size` bytes, left in page cache by writing it. */
function make(name, size, shape) {
  const path = join(folder, name)
  let state = 123456789
  const letters = Buffer.alloc(1 << 20)
  for (let i = 0; i < letters.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    letters[i] = 'ACGT'.charCodeAt(state >>> 30)
  }
  const file = openSync(path, 'w')
  let pending = []
  let waiting = 0
  const write = (bytes) => {
    pending.push(bytes)
    waiting += bytes.length
    if (waiting < 4 * MiB) return
    writeSync(file, Buffer.concat(pending))
    pending = []
    waiting = 0
  }
  for (let written = 0, i = 0; written < size; i++) {
    const { residues, width } = shape(i)
    const count = Math.min(residues, size)
    const header = Buffer.from(`>sequence_${i} ${'described '.repeat(3)}\n`)
    const lines = wrap(letters, width)
    write(header)
    const full = Math.floor(count / width) * (width + 1)
    for (let left = full; left > 0; left -= lines.length)
      write(lines.subarray(0, Math.min(left, lines.length)))
    const rest = count % width
    if (rest > 0) write(Buffer.concat([letters.subarray(i % 1000, (i % 1000) + rest), Buffer.from('\n')]))
    written += header.length + full + (rest > 0 ? rest + 1 : 0)
  }
  writeSync(file, Buffer.concat(pending))
  closeSync(file)
  return path
}

/** Whole lines of `width`, about 1 MiB; made once for each width. */
function wrap(letters, width) {
  wrap.made ??= new Map()
  const known = wrap.made.get(width)
  if (known) return known
  const lines = []
  for (let at = 0; at + width <= letters.length; at += width) {
    lines.push(letters.subarray(at, at + width), Buffer.from('\n'))
  }
  const made = Buffer.concat(lines)
  wrap.made.set(width, made)
  return made
}
