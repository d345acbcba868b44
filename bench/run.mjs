// npm run bench: every benchmark, one after the other. Exit code 1 when a target was missed.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const here = new URL('.', import.meta.url)
const wanted = process.argv.slice(2)
const names = readdirSync(here)
  .filter((name) => name.endsWith('.mjs') && !['run.mjs', 'measure.mjs', 'programs.mjs'].includes(name))
  .filter((name) => wanted.length === 0 || wanted.includes(name.replace('.mjs', '')))
let failed = false
for (const name of names.sort()) {
  const { status } = spawnSync(process.execPath, [new URL(name, here).pathname], { stdio: 'inherit' })
  failed ||= status !== 0
  console.log()
}
process.exitCode = failed ? 1 : 0
