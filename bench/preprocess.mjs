// `dataplug preprocess` of a large text in page cache with two threads, against `wc -l` on the same file.
//   node bench/preprocess.mjs [GiB]   default 4
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alternate, finish, GiB, MiB, machine, median, ratio, report } from './measure.mjs'
import { cli, makeText, run, usage } from './programs.mjs'

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
      Array.from(
        { length: 5 },
        () => usage(['node', cli, 'preprocess', file, '--workers', '2', '--force', '--quiet']).mebibytes,
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
