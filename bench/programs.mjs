// What the benchmarks of whole commands share: running them, their memory and CPU, and input.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { MiB } from './measure.mjs'

// Where a machine sets it, Node reads these certificates whenever it starts, for some 90 ms.
delete process.env.NODE_EXTRA_CA_CERTS

export const root = new URL('..', import.meta.url).pathname
export const cli = join(root, 'dist/cli.js')

/** Runs a command to its end; its output and seconds. */
export function run(command, args, options = {}) {
  const started = performance.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * MiB,
    ...options,
  })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`)
  return { stdout, seconds: (performance.now() - started) / 1000 }
}

/** Runs a command with its output thrown away; its seconds. */
export function time(command, args) {
  return run(command, args, { stdio: ['ignore', 'ignore', 'pipe'] }).seconds
}

export function isInstalled(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** Peak resident memory in MiB and CPU seconds of a finished child, as the kernel accounts them. */
export function usage(command) {
  const script = `import os,sys,json
null=os.open(os.devnull,os.O_WRONLY)
pid=os.fork()
if pid==0:
  os.dup2(null,1)
  os.execvp(sys.argv[1],sys.argv[1:])
_,status,usage=os.wait4(pid,0)
print(json.dumps([usage.ru_maxrss/1024,usage.ru_utime+usage.ru_stime]))
sys.exit(os.waitstatus_to_exitcode(status))`
  const [mebibytes, cpuSeconds] = JSON.parse(run('python3', ['-c', script, ...command]).stdout)
  return { mebibytes, cpuSeconds }
}

/** Real text found below node_modules, repeated to the size; left in page cache by writing it. */
export function makeText(path, size) {
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

/** Reads as an Illumina machine writes them: about 3.5 : 1 under gzip -6. */
export function makeFastq(size) {
  let state = 123456789
  const random = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const letters = (from, n) => {
    let text = ''
    for (let i = 0; i < n; i++) text += from[Math.floor(random() * from.length)]
    return text
  }
  const buffer = Buffer.allocUnsafeSlow(size)
  for (let at = 0, i = 0; ; i++) {
    const read = `@SRR000.${i} ${i}/1\n${letters('ACGT', 100)}\n+\n${letters('FFFFFFFF:F,#FFFFF:FF', 100)}\n`
    if (at + read.length > size) return buffer.subarray(0, at)
    at += buffer.write(read, at, 'latin1')
  }
}
