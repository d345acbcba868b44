// Indexing gzip objects against the tools that read them, reading them back in slices, and memory.
//   node bench/gzip.mjs [MB of FASTQ] [MB of BGZF]   default 420 and 2000; memory is measured on 420 MB at most, and ten times that
// Peers that are not installed are named and left out: gztool, rapidgzip, libdeflate-gzip, bgzip, python3 -m indexed_gzip.
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import zlib from 'node:zlib'
import { CloudObject } from 'dataplug'
import { GZipText, partitionNumChunks } from 'dataplug/formats/gzip'
import { alternate, finish, machine, median, ratio, report } from './measure.mjs'
import { cli, isInstalled, makeFastq, makeText, run, time, usage } from './programs.mjs'

const ROUNDS = 3
const MB = 1e6
const fastqSize = Number(process.argv[2] ?? 420) * MB
const bgzfSize = Number(process.argv[3] ?? 2000) * MB
const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))
const at = (name) => join(folder, name)
try {
  console.log(`gzip: ${machine()}`)
  const fastq = at('reads.fastq')
  writeFileSync(fastq, makeFastq(fastqSize))
  const gz = at('reads.fastq.gz')
  run('gzip', ['-6', '-k', fastq])
  const lines = Number(run('wc', ['-l', fastq]).stdout.split(' ')[0])
  await indexing(gz, lines)
  await text()
  await reads(gz, lines)
  await slicesInTurn(gz)
  memory(fastq)
  if (isInstalled('bgzip')) await bgzf(fastq, lines)
  else console.log('  bgzip is not installed: BGZF left out')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()

function preprocess(file, workers, format = 'gzip-text') {
  return [
    'node',
    cli,
    'preprocess',
    file,
    '--format',
    format,
    '--workers',
    String(workers),
    '--force',
    '--quiet',
  ]
}

function checkLines(file, workers, expected) {
  const [node, ...args] = preprocess(file, workers)
  const { attributes } = JSON.parse(run(node, [...args, '--json']).stdout)
  const counted = attributes.totalLines - (attributes.endsWithNewline ? 0 : 1)
  if (counted !== expected) throw new Error(`${file} has ${expected} line feeds, the index counts ${counted}`)
}

/** The whole object indexed, with line numbers where the tool can. */
async function indexing(gz, lines) {
  checkLines(gz, 1, lines)
  checkLines(gz, 2, lines)
  const size = Number(run('sh', ['-c', `gzip -dc ${gz} | wc -c`]).stdout)
  const commands = {
    'dataplug, 1 worker': preprocess(gz, 1),
    'dataplug, 2 workers': preprocess(gz, 2),
    'gztool -ix': gztool(gz),
    'rapidgzip -P 1': ['rapidgzip', '-q', '-f', '-P', '1', '--export-index', at('rapid1'), gz],
    'rapidgzip -P 2': ['rapidgzip', '-q', '-f', '-P', '2', '--export-index', at('rapid2'), gz],
    indexed_gzip: [
      'python3',
      '-c',
      'import sys,indexed_gzip as z;f=z.IndexedGzipFile(sys.argv[1],spacing=8<<20);f.build_full_index();f.export_index(sys.argv[2])',
      gz,
      at('indexed'),
    ],
    'libdeflate-gzip -dc (no index)': ['libdeflate-gzip', '-dc', gz],
    'gzip -dc (no index)': ['gzip', '-dc', gz],
    "Node's zlib (no index)": [
      'node',
      '-e',
      "require('fs').createReadStream(process.argv[1]).pipe(require('zlib').createGunzip()).resume()",
      gz,
    ],
  }
  const arms = {}
  for (const [name, [command, ...args]] of Object.entries(commands)) {
    const there =
      name === 'indexed_gzip'
        ? isInstalled('python3') && works('python3', ['-c', 'import indexed_gzip'])
        : isInstalled(command)
    if (there) arms[name] = () => time(command, args)
    else console.log(`  ${name} is not installed: left out`)
  }
  const times = await alternate(arms, ROUNDS)
  for (const name of Object.keys(arms)) {
    report(`index of FASTQ.gz, ${name}`, median(times[name]), {
      unit: ' s',
      detail: `${(size / MB / median(times[name])).toFixed(0)} MB/s of content`,
    })
  }
  overGztool('', times)
  report('1 worker ÷ 2 workers', ratio(times['dataplug, 1 worker'], times['dataplug, 2 workers']), {
    unit: '×',
  })
  // On a shared machine others take processors away, which the clock counts and the processor's time does not.
  const used = {
    'one worker': commands['dataplug, 1 worker'],
    'two workers': commands['dataplug, 2 workers'],
    ...(times['gztool -ix'] && { 'gztool -ix': commands['gztool -ix'] }),
  }
  const runs = Object.entries(used).map(([name, command]) => [name, () => usage(command).cpuSeconds])
  const cpu = await alternate(Object.fromEntries(runs), ROUNDS)
  for (const name of Object.keys(used)) {
    report(`CPU of ${name}`, (median(cpu[name]) / size) * 1e9, { unit: ' ns/B' })
  }
  if (times['gztool -ix']) {
    report('CPU of gztool -ix ÷ of one worker', ratio(cpu['gztool -ix'], cpu['one worker']), {
      unit: '×',
    })
    // The same distance between seek points for both.
    run('node', [...preprocess(gz, 1).slice(1), '--span', String(10 << 20)])
    const ours = statSync(`${gz}.dataplug`).size
    report("index ÷ gztool's at a span of 10 MiB", ours / statSync(at('gztool.gzi')).size, { atMost: 1 })
  }
}

function gztool(gz) {
  return ['gztool', '-f', '-i', '-x', '-I', at('gztool.gzi'), gz]
}

/** What was wanted of both numbers of workers, where gztool is installed. */
function overGztool(of, times) {
  if (!times['gztool -ix']) return
  for (const [workers, atLeast] of [
    ['1 worker', 2],
    ['2 workers', 2.8],
  ]) {
    const own = times[`dataplug, ${workers}`]
    report(`${of}gztool -ix ÷ ${workers}`, ratio(times['gztool -ix'], own), {
      atLeast,
      unit: '×',
      detail: `${median(times['gztool -ix']).toFixed(2)} and ${median(own).toFixed(2)} s`,
    })
  }
}

/** README and licence texts from `gzip -6`, as much as there are reads. */
async function text() {
  const path = makeText(at('text'), fastqSize)
  const lines = Number(run('wc', ['-l', path]).stdout.split(' ')[0])
  run('gzip', ['-6', path])
  const gz = `${path}.gz`
  checkLines(gz, 1, lines)
  checkLines(gz, 2, lines)
  const arms = {
    'dataplug, 1 worker': () => time(...split(preprocess(gz, 1))),
    'dataplug, 2 workers': () => time(...split(preprocess(gz, 2))),
    ...(isInstalled('gztool') && { 'gztool -ix': () => time(...split(gztool(gz))) }),
  }
  overGztool('text: ', await alternate(arms, ROUNDS))
  rmSync(gz)
}

/** What it takes to check every read on top of indexing. */
async function reads(gz, lines) {
  for (const workers of [1, 2]) {
    const [node, ...args] = preprocess(gz, workers, 'fastq')
    const { attributes } = JSON.parse(run(node, [...args, '--json']).stdout)
    if (attributes.totalReads !== lines / 4)
      throw new Error(`${attributes.totalReads} reads in ${lines} lines`)
    const arms = {
      reads: () => time(...split(preprocess(gz, workers, 'fastq'))),
      lines: () => time(...split(preprocess(gz, workers))),
    }
    const times = await alternate(arms, ROUNDS)
    report(`index with reads checked ÷ with lines, workers: ${workers}`, ratio(times.reads, times.lines), {
      detail: `${median(times.reads).toFixed(2)} and ${median(times.lines).toFixed(2)} s`,
    })
  }
}

function works(command, args) {
  try {
    run(command, args)
    return true
  } catch {
    return false
  }
}

async function slicesInTurn(gz) {
  const object = await CloudObject.open(GZipText, gz)
  const slices = await object.partition(partitionNumChunks, { numChunks: 16 })
  const whole = zlib.gunzipSync(readFileSync(gz), { maxOutputLength: 2 ** 32 })
  let checked = 0
  for (const slice of slices) {
    for await (const piece of slice.stream()) {
      if (Buffer.compare(piece, whole.subarray(checked, checked + piece.length)) !== 0)
        throw new Error('differs')
      checked += piece.length
    }
  }
  if (checked !== whole.length) throw new Error('the slices are not the object')
  const drain = async (stream) => {
    for await (const _ of stream);
  }
  const { createReadStream } = await import('node:fs')
  const times = await alternate(
    {
      slices: async () => {
        for (const slice of slices) await drain(slice.stream())
      },
      gunzip: () => drain(createReadStream(gz).pipe(zlib.createGunzip())),
    },
    ROUNDS,
  )
  report("16 slices in turn ÷ Node's gunzip of the whole", ratio(times.slices, times.gunzip), {
    atMost: 1,
    detail: `${median(times.slices).toFixed(2)} and ${median(times.gunzip).toFixed(2)} s`,
  })
}

/** 420 MB of reads, and the same ten times over, as members of one object. */
function memory(fastq) {
  const [once, tenTimes] = [at('once.fastq.gz'), at('ten.fastq.gz')]
  run('sh', ['-c', `head -c ${420 * MB} ${fastq} | gzip -6 > ${once}`])
  run('sh', ['-c', `for i in 0 1 2 3 4 5 6 7 8 9; do cat ${once}; done > ${tenTimes}`])
  const peak = (path) => median(Array.from({ length: ROUNDS }, () => usage(preprocess(path, 2)).mebibytes))
  const [small, big] = [peak(once), peak(tenTimes)]
  rmSync(tenTimes)
  report('peak memory, two workers, ten times the object', big, { atMost: 300, unit: ' MiB' })
  report('peak memory, ten times ÷ once', big / small, {
    atMost: 1.1,
    detail: `${small.toFixed(0)} MiB for one`,
  })
}

async function bgzf(fastq, lines) {
  const block = at('block.bgz')
  writeFileSync(block, run('bgzip', ['-c', fastq], { encoding: 'buffer', maxBuffer: 2 ** 31 }).stdout)
  const times = Math.max(1, Math.round(bgzfSize / statSync(fastq).size))
  const bgz = at('reads.fastq.bgz')
  const bytes = readFileSync(block)
  const file = openSync(bgz, 'w')
  // Without the empty block that ends each, but the last.
  for (let i = 1; i <= times; i++) writeSync(file, i < times ? bytes.subarray(0, -28) : bytes)
  closeSync(file)
  checkLines(bgz, 2, lines * times)
  const seconds = await alternate(
    {
      dataplug: () => time(...split(preprocess(bgz, 2))),
      bgzip: () => time('bgzip', ['-dc', '-@2', bgz]),
    },
    // The two are close.
    3 * ROUNDS,
  )
  report('BGZF with lines, two workers ÷ bgzip -dc -@2', ratio(seconds.dataplug, seconds.bgzip), {
    atMost: 1,
    detail: `${median(seconds.dataplug).toFixed(2)} and ${median(seconds.bgzip).toFixed(2)} s`,
  })
}

function split([command, ...args]) {
  return [command, args]
}
