// Installs the packed tarball into an empty project, as its users do, and tests it there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pluginChecks } from './pack/plugin.mjs'
import { report } from './pack/report.mjs'
import { pack, run } from './pack/shell.mjs'
import { smokeChecks } from './pack/smoke.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'dataplug-pack-'))
const project = join(folder, 'project')
const tarballs = join(folder, 'tarballs')
mkdirSync(project)
mkdirSync(tarballs)
writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')

function install() {
  const tarball = pack(root, tarballs)
  run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project })
}

try {
  const passed = await report([
    ['the tarball installs', install],
    ...smokeChecks({ root, project, tarballs }),
    ...pluginChecks({ root, project, tarballs }),
  ])
  process.exitCode = passed ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
