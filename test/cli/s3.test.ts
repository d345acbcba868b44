import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  cli,
  ended,
  root,
  sampleText,
  start,
  startWorld,
  temporaryFolder,
  type World,
} from '../integration/world.js'

const text = sampleText(20_000)
const size = Buffer.byteLength(text)
const uri = 's3://data/sample.txt'
const program = join(root, 'dist/cli.js')
let world: World
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  world = await startWorld()
  env = world.env
  await world.put('sample.txt', text)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => {
  world.server.clearFaults()
  world.server.requests.length = 0
})

const quiet = { code: 0, stderr: '' }
const readsOf = (key: string) => world.log().filter((line) => line.startsWith(`GET data/${key} `))
/** Until the condition holds; the test's own time-out ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the command line on S3', () => {
  it('preprocesses, cuts by lines, verifies and reads, with keys from the environment', async () => {
    const location = await world.put('a b/ü.txt', text)
    expect(
      await cli(['preprocess', location, '--quiet', '--chunk-size', '200kB', '--workers', '2'], { env }),
    ).toMatchObject(quiet)
    const planned = await cli(['partition', location, 'partitionChunkLines', '--lines-per-chunk', '3000'], {
      env,
    })
    expect(planned).toMatchObject(quiet)
    const verified = await cli(['verify', location, '--json'], { env, stdin: planned.stdout })
    expect(JSON.parse(verified.stdout.toString())).toMatchObject({
      index: 'fits',
      slices: 7,
      tiling: 'exact',
    })
    const read = await cli(['get'], { env, stdin: planned.stdout })
    expect({ code: read.code, stderr: read.stderr, same: read.stdout.equals(Buffer.from(text)) }).toEqual({
      ...quiet,
      same: true,
    })
    expect(await cli(['clean', location], { env })).toMatchObject(quiet)
    expect((await world.keys()).filter((key) => key.startsWith('a b/'))).toEqual(['a b/ü.txt'])
  })

  it('takes the server from --endpoint, the place of the index from --metadata', async () => {
    const { AWS_ENDPOINT_URL_S3: endpoint = '', ...keys } = env
    const flags = ['--endpoint', endpoint, '--metadata', 's3://indexes/cli/']
    expect(await cli(['preprocess', uri, '--quiet', ...flags], { env: keys })).toMatchObject(quiet)
    const told = await cli(['info', uri, '--json', ...flags], { env: keys })
    expect(JSON.parse(told.stdout.toString())).toMatchObject({
      index: 'ready',
      attributes: { totalLines: 20_000 },
    })
    expect(await world.keys('indexes')).toEqual(['cli/data/sample.txt.dataplug'])
    expect(await world.keys()).not.toContain('sample.txt.dataplug')
  })

  it.each([
    ['a missing object', {}, ['info', 's3://data/none.txt'], 'no such object'],
    ['a missing bucket', {}, ['info', 's3://nobody/none.txt'], 'no bucket "nobody"'],
    ['a wrong key', { AWS_SECRET_ACCESS_KEY: 'guess' }, ['info', uri], 'AWS_SECRET_ACCESS_KEY'],
    ['no server', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, ['info', uri], '127.0.0.1:1'],
    ['a wrong endpoint', {}, ['info', uri, '--endpoint', 'localhost'], 'http(s) URL'],
  ])('says in one line that there is %s', async (_, wrong, args, expected) => {
    const { code, stdout, stderr } = await cli(args, { env: { ...env, ...wrong } })
    expect({ code, stdout: stdout.length }).toEqual({ code: 1, stdout: 0 })
    expect(stderr).toMatch(/^dataplug: .+\n$/)
    expect(stderr).toContain(expected)
  })
})

describe('preprocessing that is killed', () => {
  const chunkSize = 50_000
  const tasks = Math.ceil(size / chunkSize)
  const args = (location: string, ...more: string[]) => [
    program,
    'preprocess',
    location,
    '--quiet',
    '--chunk-size',
    String(chunkSize),
    ...more,
  ]

  it('goes on where it was, with the tasks that are missing and no others', async () => {
    const location = await world.put('killed.txt', text)
    const key = 'killed.txt'
    // Some tasks are done, then the server falls silent.
    const done = 7
    world.server.addFault({
      match: { method: 'GET', key, range: true },
      after: done + readsToOpen,
      times: Number.POSITIVE_INFINITY,
      fault: { type: 'no-headers' },
    })
    const child = start(args(location, '--workers', '2'), { env })
    const end = ended(child)
    const kept = () =>
      world
        .requests()
        .filter(({ method, status, key: at }) => method === 'PUT' && status === 200 && at.includes('.parts/'))
        .length
    await until(() => kept() === done)
    child.kill('SIGKILL')
    await end
    expect((await world.keys()).filter((name) => name.startsWith(`${key}.dataplug`)).length).toBe(done)

    world.server.clearFaults()
    world.server.requests.length = 0
    expect(await ended(start(args(location), { env }))).toMatchObject(quiet)
    expect(readsOf(key).length).toBe(tasks - done + readsToOpen)
    expect((await world.keys()).filter((name) => name.startsWith(`${key}.`))).toEqual([`${key}.dataplug`])

    await using folder = await temporaryFolder()
    const metadata = join(folder.path, 'index')
    await ended(start(args(location, '--metadata', metadata), { env }))
    expect((await world.get(`${key}.dataplug`))?.equals(await readFile(metadata))).toBe(true)
  })

  it.each([
    ['SIGTERM', '2'],
    ['SIGINT', '1'],
  ] as const)('by %s says so in one line and ends (%s workers)', async (signal, workers) => {
    const key = `${signal}.txt`
    const location = await world.put(key, text)
    const fault = { type: 'no-headers' } as const
    world.server.addFault({ match: { key, range: true }, after: 5, times: Number.POSITIVE_INFINITY, fault })
    const child = start(args(location, '--workers', workers), { env })
    const end = ended(child)
    await until(() => world.requests().some((request) => request.fault === 'no-headers'))
    child.kill(signal)
    const { code, stdout, stderr } = await end
    expect({ code, stdout: stdout.length, stderr }).toEqual({
      code: 1,
      stdout: 0,
      stderr: `dataplug: stopped by ${signal}; finished work is kept, run it again to go on\n`,
    })
  })
})

/** Requests for the object before the first task. */
const readsToOpen = 1
