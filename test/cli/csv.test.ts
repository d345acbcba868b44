import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, temporaryFolder } from '../integration/world.js'

const text = `a;b\n${'1;"x\ny;"\n2;z\n'.repeat(900)}`
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (name: string) => join(folder.path, name)

beforeAll(async () => {
  folder = await temporaryFolder()
  for (const name of ['one.csv', 'two.csv', 'three.csv']) await writeFile(at(name), text)
})
afterAll(() => folder[Symbol.asyncDispose]())

describe('csv on the command line', () => {
  it('gives the same index by tasks as by preprocess, with options and with workers', async () => {
    const options = ['--dtypes', 'string', '--ragged', 'allow']
    const whole = await cli(['preprocess', at('one.csv'), '--quiet', ...options])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    const many = [
      'preprocess',
      at('one.csv'),
      '--metadata',
      at('two.index'),
      '--quiet',
      '--chunk-size',
      '999',
    ]
    expect(await cli([...many, '--workers', '2', ...options])).toMatchObject({ code: 0, stderr: '' })
    const plan = await cli(['plan', at('one.csv'), '--chunk-size', '1001', ...options])
    const results = await cli(['task'], { stdin: plan.stdout })
    const merged = ['merge', at('one.csv'), '--metadata', at('three.index')]
    expect(await cli(merged, { stdin: results.stdout })).toMatchObject({ code: 0, stderr: '' })
    const expected = await readFile(at('one.csv.dataplug'))
    expect(expected.equals(await readFile(at('two.index')))).toBe(true)
    expect(expected.equals(await readFile(at('three.index')))).toBe(true)
  })

  it('cuts, proves the cut, and leaves the header out on request', async () => {
    await cli(['preprocess', at('two.csv'), '--quiet'])
    const slices = await cli(['partition', at('two.csv'), 'partitionNumChunks', '--num-chunks', '7'])
    expect(await cli(['verify', at('two.csv')], { stdin: slices.stdout })).toMatchObject({
      code: 0,
      stderr: '',
    })
    const rows = [
      'partition',
      at('two.csv'),
      'partitionChunkRows',
      '--rows-per-chunk',
      '100',
      '--header',
      'false',
    ]
    const bare = await cli(['get'], { stdin: (await cli(rows)).stdout })
    expect(bare.stdout.toString()).toBe(text.slice(4))
  })

  it('says what is wrong', async () => {
    const wrong = await cli(['preprocess', at('three.csv'), '--separator', ','])
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('";" makes 2') })
    const unknown = await cli(['preprocess', at('three.csv'), '--seperator', ';'])
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no option "seperator"'),
    })
  })
})
