// Runs test/tools against the real programs, which are installed when they are missing. Arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const caches = process.env.DATAPLUG_CACHE ?? join(root, '.cache')
const cache = join(caches, 'indexed_gzip')
const pyarrow = join(caches, 'pyarrow')
const samples = join(caches, 'samples')

/** Program, and the Debian package that has it. */
const programs = {
  gzip: 'gzip',
  gztool: 'gztool',
  bgzip: 'tabix',
  pigz: 'pigz',
  zopfli: 'zopfli',
  'libdeflate-gzip': 'libdeflate-tools',
  '7z': 'p7zip-full',
  igzip: 'isal',
  samtools: 'samtools',
  bcftools: 'bcftools',
  tabix: 'tabix',
  python3: 'python3-pip',
}

/** Debian packages whose files are test data, each with the folder that it has them in. */
const data = {
  'bowtie2-examples': 'usr/share/doc/bowtie2/examples',
  'r-bioc-shortread': 'usr/lib/R/site-library/ShortRead',
  'r-bioc-variantannotation': 'usr/lib/R/site-library/VariantAnnotation',
  'htslib-test': 'usr/share/htslib-test',
  'python-pysam-tests': 'usr/share/doc/python-pysam/tests',
  'unicode-data': 'usr/share/unicode',
  'ncbi-data': 'usr/share/ncbi/data',
  'bedtools-test': 'usr/share/bedtools/test',
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error) throw error
  return status ?? 1
}

const isThere = (program) => run('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }) === 0

const missing = Object.keys(programs).filter((program) => !isThere(program))
if (missing.length > 0) {
  const packages = missing.map((program) => programs[program])
  console.log(`installing ${packages.join(', ')}`)
  run('apt-get', ['update', '-qq'])
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages])
}
if (!existsSync(join(pyarrow, 'pyarrow'))) {
  run('python3', ['-m', 'pip', 'install', '--quiet', '--target', pyarrow, 'pyarrow'])
}
if (!existsSync(join(cache, 'indexed_gzip'))) {
  run('python3', ['-m', 'pip', 'install', '--quiet', '--target', cache, 'indexed_gzip'])
}
for (const [name, folder] of Object.entries(data)) {
  if (existsSync(join(samples, folder))) continue
  mkdirSync(samples, { recursive: true })
  const archive = () => readdirSync(samples).find((file) => file.startsWith(`${name}_`))
  run('apt-get', ['download', '-qq', name], { cwd: samples })
  if (archive()) run('dpkg-deb', ['-x', archive(), '.'], { cwd: samples })
}
const still = missing.filter((program) => !isThere(program))
if (!existsSync(join(cache, 'indexed_gzip'))) still.push('indexed_gzip')
if (!existsSync(join(pyarrow, 'pyarrow'))) still.push('pyarrow')
still.push(...Object.keys(data).filter((name) => !existsSync(join(samples, data[name]))))
if (still.length > 0) {
  console.error(`test:tools needs ${still.join(', ')}, and could not install them`)
  process.exit(1)
}
process.exit(
  run(process.execPath, [vitest, 'run', '--config', 'vitest.tools.config.ts', ...process.argv.slice(2)], {
    cwd: root,
    env: { ...process.env, INDEXED_GZIP: cache, PYARROW: pyarrow, DEBIAN_SAMPLES: samples },
  }),
)
