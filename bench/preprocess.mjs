// `dataplug preprocess` of a large text in page cache with two threads, against `wc -l` on the same file.
//   node bench/preprocess.mjs [GiB]   default 4
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alternate, finish, GiB, MiB, machine, median, ratio, report } from './measure.mjs'

const root = new URL('..', import.meta.url).pathname
const cli = join(root, 'dist/cli.js')
const gibibytes = Number(process.argv[2] ?? 4)
const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))
try {
  console.log(`preprocess, text: ${machine()}`)
  const large = makeText(join(folder, 'large.txt'), gibibytes * GiB)
  const small = makeText(join(folder, 'small.txt'), (gibibytes / 4) * GiB)

  // Equality first: the index must count what wc counts.
  const lines = Number(run('wc', ['-l', large]).stdout.split(' ')[0])
  const { attributes } = JSON.parse(
    run('node', [cli, 'preprocess', large, '--workers', '2', '--json', '--quiet']).stdout,
  )
  const counted = attributes.totalLines - (attributes.endsWithNewline ? 0 : 1)
  if (counted !== lines) throw new Error(`wc counts ${lines} line feeds, the index ${counted}`)

  const preprocess = (file) => () =>
    run('node', [cli, 'preprocess', file, '--workers', '2', '--force', '--quiet']).seconds
  const times = await alternate(
    { dataplug: preprocess(large), wc: () => run('wc', ['-l', large]).seconds },
    5,
  )
  const rate = (seconds) => `${((gibibytes * GiB) / MiB / median(seconds)).toFixed(0)} MiB/s`
  report('wall time ÷ wc -l', ratio(times.dataplug, times.wc), {
    atMost: 3,
    detail: `${median(times.dataplug).toFixed(2)} s at ${rate(times.dataplug)}; wc ${median(times.wc).toFixed(2)} s at ${rate(times.wc)}`,
  })

  const memory = (file) =>
    median(
      Array.from({ length: 3 }, () =>
        peak(['node', cli, 'preprocess', file, '--workers', '2', '--force', '--quiet']),
      ),
    )
  const largePeak = memory(large)
  const smallPeak = memory(small)
  report('peak memory', largePeak, {
    atMost: 300,
    unit: ' MiB',
    detail: `${smallPeak.toFixed(0)} MiB for a quarter of the file`,
  })
  report('peak memory, whole ÷ quarter', largePeak / smallPeak, { atMost: 1.1 })
  report('index ÷ object', statSync(`${large}.dataplug`).size / statSync(large).size)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()

function run(command, args) {
  const started = performance.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * MiB,
  })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`)
  return { stdout, seconds: (performance.now() - started) / 1000 }
}

/** Peak resident memory in MiB, as the kernel accounts it for the finished child. */
function peak(command) {
  const script =
    'import os,sys\npid=os.spawnvp(os.P_NOWAIT,sys.argv[1],sys.argv[1:])\n_,status,usage=os.wait4(pid,0)\nprint(usage.ru_maxrss)\nsys.exit(os.waitstatus_to_exitcode(status))'
  return (
    Number(
      run('python3', ['-c', script, ...command])
        .stdout.trim()
        .split('\n')
        .at(-1),
    ) / 1024
  )
}

/** Real text found below node_modules, repeated to the size; left in page cache by writing it. */
function makeText(path, size) {
  const files = readdirSync(join(root, 'node_modules'), { recursive: true })
    .filter((name) => /\.(md|txt|d\.ts)$/.test(name))
    .map((name) => join(root, 'node_modules', name))
    .filter((name) => existsSync(name) && statSync(name).isFile())
    .sort()
  const unit = Buffer.concat(files.map((name) => readFileSync(name)))
  const file = openSync(path, 'w')
  for (let written = 0; written < size; )
    written += writeSync(file, unit, 0, Math.min(unit.length, size - written))
  closeSync(file)
  return path
}
