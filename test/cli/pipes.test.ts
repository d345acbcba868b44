import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, ended, root, sampleText, start, temporaryFolder } from '../integration/world.js'

const program = join(root, 'dist/cli.js')
// More than a pipe holds.
const text = sampleText(60_000)
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let path: string

beforeAll(async () => {
  folder = await temporaryFolder()
  path = join(folder.path, 'sample.txt')
  await writeFile(path, text)
})
afterAll(() => folder[Symbol.asyncDispose]())

describe('a reader that has seen enough', () => {
  it.each([
    ['partition', ['wholeWordsStrategy', '--num-chunks', '50000']],
    ['get', []],
  ])('of %s is no error', async (command, more) => {
    const stdin =
      command === 'get'
        ? (await cli(['partition', path, 'partitionNumChunks', '--num-chunks', '1'])).stdout
        : ''
    const child = start([program, command, ...(command === 'get' ? [] : [path]), ...more])
    const end = ended(child, { stdin })
    child.stdout?.once('data', () => child.stdout?.destroy())
    expect(await end).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('a wait for lines', () => {
  it.each([
    ['get', ['partition', 'partitionNumChunks', '--num-chunks', '9']],
    ['task', ['plan', '--chunk-size', '1MiB']],
  ])('of %s ends with SIGTERM', async (command, [planner = '', ...more]) => {
    const planned = await cli([planner, path, ...more])
    const child = start([program, command])
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      stderr += piece
    })
    const answered = new Promise((resolve) => child.stdout?.once('data', resolve))
    child.stdin?.write(`${planned.stdout.toString().split('\n')[0]}\n`)
    await answered
    child.stdout?.resume()
    child.kill('SIGTERM')
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^dataplug: stopped by SIGTERM.*\n$/),
    })
  })

  it('ends at the first bad line, though more would come', async () => {
    const child = start([program, 'get'])
    child.stdin?.on('error', () => {})
    child.stdin?.write('no slice\n')
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(1)
  })
})

describe('two command lines on one file', () => {
  it('at the same time leave one index that is right, and nothing else', async () => {
    const own = join(folder.path, 'own')
    await mkdir(own)
    const shared = join(own, 'shared.txt')
    await writeFile(shared, text)
    const args = ['preprocess', shared, '--quiet', '--chunk-size', '20kB']
    const both = await Promise.all([cli(args), cli([...args, '--workers', '2'])])
    expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      [1, 2].map(() => ({ code: 0, stderr: '' })),
    )
    expect((await readdir(own)).sort()).toEqual(['shared.txt', 'shared.txt.dataplug'])
    expect(await cli(['verify', shared])).toMatchObject({ code: 0, stderr: '' })
  })
})
