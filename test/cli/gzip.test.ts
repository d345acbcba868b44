import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bgzf } from '../compression/bgzf.js'
import { makeText } from '../compression/objects.js'
import { cli, temporaryFolder } from '../integration/world.js'

const content = makeText(21, 900_000)
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (name: string) => join(folder.path, name)

beforeAll(async () => {
  folder = await temporaryFolder()
  await writeFile(at('a.gz'), gzipSync(content))
  await writeFile(at('b.gz'), bgzf(content))
})
afterAll(() => folder[Symbol.asyncDispose]())

// The format is told by the content.
const quiet = ['--quiet']

async function info(name: string) {
  const { stdout } = await cli(['info', at(name), '--json', ...quiet])
  return JSON.parse(stdout.toString()) as { compression: object; attributes?: object }
}

describe('a compressed object', () => {
  it('is described: kind, members, blocks, content, seek points, and whether it can be cut', async () => {
    expect((await info('a.gz')).compression).toEqual({ kind: 'gzip' })
    await cli(['preprocess', at('a.gz'), '--span', '64KiB', ...quiet])
    const { compression } = await info('a.gz')
    expect(compression).toMatchObject({ kind: 'gzip', members: 1, size: content.length, splits: true })
    expect(compression).toMatchObject({
      blocks: expect.any(Number),
      seekPoints: expect.any(Number),
      span: 65536,
      ratio: expect.any(Number),
    })
    const { stdout } = await cli(['info', at('a.gz'), ...quiet])
    expect(stdout.toString()).toMatch(/compression +gzip, 1 member, \d+ deflate blocks\n/)
    expect(stdout.toString()).toMatch(/can be cut +yes\n/)
    await cli(['preprocess', at('a.gz'), '--force', ...quiet])
    expect((await info('a.gz')).compression).toMatchObject({
      splits: false,
      because: expect.stringContaining('span'),
    })
  })

  it.each([
    ['gztool', 'a.gz'],
    ['indexed_gzip', 'a.gz'],
    ['gzi', 'b.gz'],
  ])('has its index exported to and imported from %s', async (kind, name) => {
    await cli(['preprocess', at(name), '--span', '64KiB', '--force', ...quiet])
    const { attributes } = await info(name)
    const printed = await cli(['index', 'export', at(name), '--to', kind, ...quiet])
    expect(printed).toMatchObject({ code: 0, stderr: '' })
    expect(await cli(['index', 'export', at(name), '--to', kind, '-o', at('index'), ...quiet])).toMatchObject(
      {
        code: 0,
      },
    )
    expect((await readFile(at('index'))).equals(printed.stdout)).toBe(true)
    await rm(at(`${name}.dataplug`))
    const imported = await cli([
      'index',
      'import',
      at(name),
      at('index'),
      '--from',
      kind,
      '--workers',
      '2',
      ...quiet,
    ])
    expect(imported).toMatchObject({ code: 0, stderr: '' })
    expect((await info(name)).attributes).toEqual(attributes)
    const slices = await cli([
      'partition',
      at(name),
      'partitionNumChunks',
      '--num-chunks',
      '4',
      '--format',
      'text',
    ])
    const got = await cli(['get'], { stdin: slices.stdout.toString() })
    expect(got.stdout.equals(content)).toBe(true)
  })

  it.each([
    ['text', 'a.gz', '20kB'],
    ['text', 'b.gz', '20kB'],
    ['gzip-text', 'a.gz', '1GB'],
    ['text', 'inner.gz', '20kB'],
    ['text', 'stored.gz', '100kB'],
  ])(
    'has one index from %s tasks that ran anywhere, in any order (%s, %s)',
    async (format, name, chunkSize) => {
      // Content that looks like gzip, so that searches find starts that are none; and few blocks to find.
      await writeFile(at('inner.gz'), gzipSync(gzipSync(content), { level: 0 }))
      await writeFile(at('stored.gz'), Buffer.concat([gzipSync(content, { level: 0 }), gzipSync(content)]))
      const flags = ['--format', format, '--span', '64KiB']
      await cli(['preprocess', at(name), ...flags, '--metadata', at('whole.index'), '--force', ...quiet])
      const tasks = (await cli(['plan', at(name), ...flags, '--chunk-size', chunkSize])).stdout
      const lines = tasks.toString().trim().split('\n')
      const some = await cli(['task'], { stdin: lines.slice(0, 2).join('\n') })
      const others = await cli(['task'], { stdin: lines.slice(1).reverse().join('\n') })
      const results = `${others.stdout}${some.stdout}`
      const merging = ['merge', at(name), '--format', format, '--metadata', at('merged.index')]
      expect(await cli(merging, { stdin: results })).toMatchObject({ code: 0, stderr: '' })
      expect((await readFile(at('merged.index'))).equals(await readFile(at('whole.index')))).toBe(true)
      // None may be missing, and none may be of another plan.
      const missing = await cli(merging, { stdin: results.split('\n').slice(1).join('\n') })
      if (lines.length > 2)
        expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('is missing') })
      const plan = ['plan', at(name), '--format', format, '--span', '128KiB', '--chunk-size', chunkSize]
      const first = (await cli(plan)).stdout.toString().split('\n')[0] as string
      const mixed = `${results}${(await cli(['task'], { stdin: first })).stdout}`
      if (lines.length > 2) {
        expect(await cli(merging, { stdin: mixed })).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('another plan'),
        })
      }
    },
  )

  it('is not joined from results of an object that is not compressed', async () => {
    await writeFile(at('plain.txt'), content)
    const tasks = (await cli(['plan', at('plain.txt'), '--format', 'text'])).stdout.toString()
    const { stdout } = await cli(['task'], { stdin: tasks })
    const [{ etag }] = [JSON.parse((await cli(['info', at('a.gz'), '--json', ...quiet])).stdout.toString())]
    const { href } = pathToFileURL(at('a.gz'))
    const result = { ...JSON.parse(stdout.toString()), uri: href, etag }
    const merging = ['merge', at('a.gz'), '--format', 'text']
    expect(await cli(merging, { stdin: JSON.stringify(result) })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not compressed, unlike'),
    })
  })

  it.each([
    [['index', 'export', 'a.gz'], '--to must be one of gztool'],
    [['index', 'export', 'a.gz', '--to', 'zip'], 'got "zip"'],
    [['index', 'import', 'a.gz', '--from', 'gztool'], 'needs FILE'],
    [['index', 'import', 'a.gz', 'nothing', '--from', 'gztool'], 'nothing cannot be read'],
    [['index', 'import', 'a.gz', 'a.gz', '--from', 'gztool', '--force'], 'not one of gztool'],
    [['plan', 'a.gz', '--format', 'csv'], 'use "dataplug preprocess"'],
    [['merge', 'b.gz', '--format', 'csv'], 'use "dataplug preprocess"'],
    [['plan', 'a.gz', '--span', '1000'], 'span must be an integer from 65536'],
    [['index'], 'no command "index"'],
    [['index', 'list'], 'no command "index list"'],
  ])('%j is an error in one line', async (argv, message) => {
    const { code, stderr } = await cli([
      ...argv.map((word) => (/\.gz$|^nothing$/.test(word) ? at(word) : word)),
    ])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^dataplug: .+\n$/)
    expect(stderr).toContain(message)
  })
})
