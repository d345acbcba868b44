import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Runs a program and returns its standard output.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ readonly cwd: string, readonly input?: string, readonly encoding?: BufferEncoding | 'buffer' }} options
 * @throws Error with the end of both outputs when the exit code is not 0
 */
export function run(program, args, { cwd, input, encoding = 'utf8' }) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    input,
    encoding,
    maxBuffer: 1 << 28,
    timeout: 300_000,
  })
  if (error) throw error
  if (status !== 0) {
    const output = `${stdout}\n${stderr}`.slice(-5000)
    throw new Error(`${program} ${args.join(' ')} exited with ${status}\n${output}`)
  }
  return stdout
}

/** Packs the package in `folder` and returns the path of the tarball in `destination`. */
export function pack(folder, destination) {
  const before = new Set(readdirSync(destination))
  run('npm', ['pack', '--silent', '--pack-destination', destination], { cwd: folder })
  const [name] = readdirSync(destination).filter((file) => !before.has(file))
  return join(destination, name)
}
