// Runs test/s3 against a real S3 server, which is started for it and always stopped. Arguments go to vitest.
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const gateway = fileURLToPath(new URL('ceph-rgw.sh', import.meta.url))
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const credentials = { AWS_ACCESS_KEY_ID: 'TESTKEY', AWS_SECRET_ACCESS_KEY: 'TESTSECRET' }

/** A port that is free together with the one above it, which Ceph's monitor takes. */
async function freePort() {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = await listen(0)
    if (port < 65_535 && (await listen(port + 1))) return port
  }
  throw new Error('no two free ports in a row')
}

function listen(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(0))
    server.listen(port, '127.0.0.1', () => {
      const { port: actual } = server.address()
      server.close(() => resolve(actual))
    })
  })
}

let child

function run(command, args, env) {
  return new Promise((resolve, reject) => {
    child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)))
  })
}

const keys = {
  DATAPLUG_S3_KEY: credentials.AWS_ACCESS_KEY_ID,
  DATAPLUG_S3_SECRET: credentials.AWS_SECRET_ACCESS_KEY,
}
// This process stays until its child has ended, to stop the server.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill(signal))
process.on('exit', () => spawnSync(gateway, ['stop'], { cwd: root, stdio: 'inherit' }))

const port = await freePort()
const started = performance.now()
process.exitCode = await run(gateway, ['start', String(port)], keys)
if (process.exitCode === 0) {
  console.log(`real S3 up after ${((performance.now() - started) / 1000).toFixed(1)} s`)
  const env = {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    ...credentials,
  }
  const args = [vitest, 'run', '--config', 'vitest.s3.config.ts', ...process.argv.slice(2)]
  process.exitCode = await run(process.execPath, args, env)
}
