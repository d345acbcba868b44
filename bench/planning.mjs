// Planning 10 000 slices of a 10 GB object: CPU and JSON. And what importing the package costs.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudObject } from 'dataplug'
import { UTF8Text, wholeWordsStrategy } from 'dataplug/formats/text'
import { alternate, finish, machine, median, report } from './measure.mjs'

console.log(`planning and import: ${machine()}`)
const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))
try {
  const sparse = join(folder, 'sparse.txt')
  writeFileSync(sparse, '')
  truncateSync(sparse, 10e9)
  const object = await CloudObject.open(UTF8Text, sparse)
  const costs = []
  let json = ''
  for (let round = 0; round < 7; round++) {
    const before = process.cpuUsage()
    const slices = await object.partition(wholeWordsStrategy, { numChunks: 10_000 })
    const { user, system } = process.cpuUsage(before)
    json = slices.map((slice) => JSON.stringify(slice)).join('\n')
    costs.push((user + system) / 1000)
  }
  const ranges = json.split('\n').map((line) => JSON.parse(line).data.range)
  if (
    ranges.length !== 10_000 ||
    ranges.some(([start], i) => start !== (ranges[i - 1]?.[1] ?? 0)) ||
    ranges.at(-1)[1] !== 10e9
  ) {
    throw new Error('the plan does not tile the object')
  }
  report('10 000 slices, first plan, CPU', costs[0], {
    atMost: 100,
    unit: ' ms',
    detail: `median ${median(costs).toFixed(0)} ms`,
  })
  report('10 000 slices, JSON', json.length / 1e6, { atMost: 20, unit: ' MB' })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const root = new URL('..', import.meta.url).pathname
const node = (code) => () =>
  void execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root })
const times = await alternate({ imported: node("import 'dataplug'"), bare: node('') }, 21)
report("import 'dataplug' over a bare start", (median(times.imported) - median(times.bare)) * 1000, {
  atMost: 40,
  unit: ' ms',
  detail: `${(median(times.imported) * 1000).toFixed(0)} and ${(median(times.bare) * 1000).toFixed(0)} ms`,
})
finish()
