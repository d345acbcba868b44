import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, sampleText, startWorld, temporaryFolder, type World } from '../integration/world.js'

const program = fileURLToPath(new URL('./modules/lifecycle.mjs', import.meta.url))
const text = sampleText(3000)

let world: World
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let path: string

beforeAll(async () => {
  world = await startWorld()
  await world.put('sample.txt', text)
  folder = await temporaryFolder()
  path = join(folder.path, 'sample.txt')
  await writeFile(path, text)
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const outcomes = {
  idle: '8',
  disposed: '8',
  many: '16',
  abort: 'reason,reason,reason',
  starting: 'reason',
  preprocess: 'reason',
  crash: 'WORKER_FAILED',
}

// `run` fails when the process has not ended by itself; a warning of Node would be on its standard error.
describe('a process with a pool ends by itself, in silence', () => {
  it.each(Object.entries(outcomes))('%s', async (what, outcome) => {
    const { code, stdout, stderr } = await run([program, what, path, '{}'])
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({
      code: 0,
      stdout: `${outcome}\n`,
      stderr: '',
    })
  })

  it.each(['idle', 'preprocess'] as const)('%s, with connections to S3', async (what) => {
    const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
    const args = [program, what, 's3://data/sample.txt', JSON.stringify(world.storage)]
    const { code, stdout, stderr } = await run(args, { env })
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({
      code: 0,
      stdout: `${outcomes[what]}\n`,
      stderr: '',
    })
  })
})
