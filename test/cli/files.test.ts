import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, type Ended, sampleText, sha256, temporaryFolder } from '../integration/world.js'

const text = sampleText(5000)
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let path: string
/** Slices of the sample by whole words, as lines. */
let slices: string[]

beforeAll(async () => {
  folder = await temporaryFolder()
  path = join(folder.path, 'sample.txt')
  await writeFile(path, text)
  slices = lines(await cli(['partition', path, 'wholeWordsStrategy', '--num-chunks', '7']))
})
afterAll(() => folder[Symbol.asyncDispose]())

function lines({ code, stdout, stderr }: Ended): string[] {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.toString().split('\n').slice(0, -1)
}

/** A failure is exit code 1, nothing on standard output and one line on standard error. */
function failure({ code, stdout, stderr }: Ended): string {
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^dataplug: .+\n$/)
  return stderr.slice('dataplug: '.length, -1)
}

const joined = (some: readonly string[]) => some.map((line) => `${line}\n`).join('')
const another = async (name: string, body = text) => {
  const at = join(folder.path, name)
  await writeFile(at, body)
  return at
}

describe('partition and get', () => {
  it.each([
    ['wholeWordsStrategy', '--num-chunks', '13'],
    ['partitionNumChunks', '--num-chunks=5', '--padding', '16'],
    ['partitionChunkSize', '--chunk-size', '10KiB'],
  ])('%s gives back the file', async (...strategy) => {
    const planned = lines(await cli(['partition', path, ...strategy]))
    expect(planned.length).toBeGreaterThan(4)
    const { code, stdout, stderr } = await cli(['get'], { stdin: joined(planned) })
    expect({ code, stderr, same: stdout.equals(Buffer.from(text)) }).toEqual({
      code: 0,
      stderr: '',
      same: true,
    })
  })

  it('take the lines in the order they come, and no others', async () => {
    const { stdout } = await cli(['get'], { stdin: joined([slices[6], '', slices[0]] as string[]) })
    const whole = await Promise.all(
      [6, 0].map(async (i) => (await cli(['get'], { stdin: slices[i] as string })).stdout),
    )
    expect(stdout.equals(Buffer.concat(whole))).toBe(true)
  })

  it('write a file for each slice, whole or not at all', async () => {
    const parts = join(folder.path, 'parts', 'deep')
    expect(lines(await cli(['get', '--output-dir', parts], { stdin: joined(slices) }))).toEqual([])
    const names = await readdir(parts)
    expect(names.sort()).toEqual(slices.map((_, i) => `slice-${i}`))
    const bytes = await Promise.all(names.map((name) => readFile(join(parts, name))))
    expect(Buffer.concat(bytes).toString()).toBe(text)

    const changed = await another('changing.txt')
    const cut = lines(await cli(['partition', changed, 'partitionNumChunks', '--num-chunks', '2']))
    await writeFile(changed, `${text}more`)
    const broken = join(folder.path, 'broken')
    expect(failure(await cli(['get', '--output-dir', broken], { stdin: joined(cut) }))).toContain(
      'changing.txt',
    )
    expect(await readdir(broken)).toEqual([])
  })

  it('refuse to write two slices to one file, and a folder that cannot be', async () => {
    const out = join(folder.path, 'twice')
    const message = failure(
      await cli(['get', '--output-dir', out], { stdin: joined([slices[0], slices[0]] as string[]) }),
    )
    expect(message).toContain('two slices number 0')
    expect(failure(await cli(['get', '--output-dir', path], { stdin: slices[0] as string }))).toContain(
      'EEXIST',
    )
  })
})

describe('preprocess', () => {
  it('writes the same index with threads, another chunk size, or plan, task and merge', async () => {
    const made: string[] = []
    for (const [i, flags] of [
      ['--chunk-size', '64MiB'],
      ['--workers', '2', '--chunk-size', '20000'],
    ].entries()) {
      const metadata = join(folder.path, `index-${i}`)
      await cli(['preprocess', path, '--metadata', metadata, ...flags])
      made.push(sha256(await readFile(metadata)))
    }
    const metadata = join(folder.path, 'index-merged')
    const tasks = lines(await cli(['plan', path, '--chunk-size', '30kB']))
    expect(tasks.length).toBe(Math.ceil(Buffer.byteLength(text) / 30_000))
    const half = Math.floor(tasks.length / 2)
    const results = [
      ...lines(await cli(['task'], { stdin: joined(tasks.slice(half)) })),
      ...lines(await cli(['task'], { stdin: joined(tasks.slice(0, half + 1)) })),
    ]
    expect(lines(await cli(['merge', path, '--metadata', metadata], { stdin: joined(results) }))).toEqual([])
    made.push(sha256(await readFile(metadata)))
    expect(new Set(made).size).toBe(1)
  })

  it('scans a large file with threads that start while it is opened, and not again', async () => {
    const large = await another('large.txt', 'a line of thirty bytes, or so\n'.repeat(2_400_000))
    const index = async (...flags: string[]) => {
      const { code, stdout } = await cli(['preprocess', large, '--json', ...flags])
      expect(code).toBe(0)
      const { attributes } = JSON.parse(stdout.toString())
      return [attributes.totalLines, sha256(await readFile(`${large}.dataplug`))]
    }
    const alone = await index('--workers', '1')
    expect(alone[0]).toBe(2_400_000)
    expect(await index('--workers', '2', '--force')).toEqual(alone)
    expect(await index('--workers', '2')).toEqual(alone)
    await rm(large)
  })

  it('shows progress on standard error only, as text or JSON, or not', async () => {
    const at = await another('progress.txt')
    const shown = await cli(['preprocess', at, '--chunk-size', '20k'])
    expect({ code: shown.code, stdout: shown.stdout.length }).toEqual({ code: 0, stdout: 0 })
    expect(shown.stderr).toMatch(/^ {2}0 % .*\n[\s\S]*100 % .*\n$/)
    const json = await cli(['preprocess', at, '--force', '--json', '--chunk-size', '20k'])
    const steps = json.stderr
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    expect(steps.at(-1)).toMatchObject({ tasksDone: steps.length - 1, bytesDone: Buffer.byteLength(text) })
    expect(JSON.parse(json.stdout.toString())).toEqual({
      index: `${pathToFileURL(at)}.dataplug`,
      attributes: { totalLines: 5000, endsWithNewline: true },
    })
    expect(await cli(['preprocess', at, '--force', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    expect(await cli(['preprocess', at])).toMatchObject({ code: 0, stderr: '' })
  })

  it('leaves the index and nothing else; clean takes it away', async () => {
    const own = join(folder.path, 'own')
    await mkdir(own)
    const at = await another('own/a.txt')
    await cli(['preprocess', at, '--chunk-size', '20k'])
    expect((await readdir(own)).sort()).toEqual(['a.txt', 'a.txt.dataplug'])
    expect(lines(await cli(['clean', at]))).toEqual([])
    expect(await readdir(own)).toEqual(['a.txt'])
    expect(lines(await cli(['clean', at]))).toEqual([])
    await cli(['preprocess', at])
    await rm(at)
    expect(await readdir(own)).toEqual(['a.txt.dataplug'])
    expect(lines(await cli(['clean', at]))).toEqual([])
    expect(await readdir(own)).toEqual([])
  })

  it('makes partitions by lines possible', async () => {
    const at = await another('lines.txt')
    const by = ['partition', at, 'partitionChunkLines', '--lines-per-chunk', '1000']
    expect(failure(await cli(by))).toMatch(/no index.*preprocess/)
    await cli(['preprocess', at])
    const cut = lines(await cli(by))
    expect(cut).toHaveLength(5)
    const { stdout } = await cli(['get'], { stdin: cut[2] as string })
    expect(stdout.toString()).toBe(
      text
        .split('\n')
        .slice(2000, 3000)
        .map((line) => `${line}\n`)
        .join(''),
    )
    const all = await cli(['get'], { stdin: joined(cut) })
    expect(all.stdout.equals(Buffer.from(text))).toBe(true)
  })
})

describe('merge', () => {
  it('refuses results that are not all of one plan of this object', async () => {
    const at = await another('merge.txt')
    const tasks = lines(await cli(['plan', at, '--chunk-size', '50k']))
    const results = lines(await cli(['task'], { stdin: joined(tasks) }))
    const merge = (some: readonly string[], location = at) =>
      cli(['merge', location], { stdin: joined(some) })
    expect(failure(await merge(results.slice(0, -1)))).toContain(
      `task ${results.length - 1} of ${results.length}`,
    )
    expect(failure(await merge(results.slice(1)))).toContain('task 0')
    expect(failure(await merge([]))).toContain('no results')
    expect(failure(await merge([...results, 'x']))).toContain('not a result line')
    expect(failure(await merge(results, path))).toContain('merge.txt')
    const format = results.map((line) => JSON.stringify({ ...JSON.parse(line), format: 'other' }))
    expect(failure(await merge(format))).toContain('format other')
    // As many tasks, cut elsewhere.
    const elsewhere = lines(await cli(['plan', at, '--chunk-size', '49k']))
    expect(elsewhere.length).toBe(tasks.length)
    const mixed = [
      ...results.slice(0, 1),
      ...lines(await cli(['task'], { stdin: joined(elsewhere.slice(1)) })),
    ]
    expect(failure(await merge(mixed))).toContain('another plan')
    const damaged = JSON.parse(results[0] as string)
    damaged.part = `${damaged.part.slice(0, 40)}AAAA${damaged.part.slice(44)}`
    expect(failure(await merge([JSON.stringify(damaged), ...results.slice(1)]))).toContain('damaged')
    expect(existsSync(`${at}.dataplug`)).toBe(false)
    expect(lines(await merge([...results, results[0] as string].reverse()))).toEqual([])
    expect(existsSync(`${at}.dataplug`)).toBe(true)
  })

  it('is not for slices, nor task, nor get for tasks', async () => {
    const [task] = lines(await cli(['plan', path]))
    expect(failure(await cli(['task'], { stdin: slices[0] as string }))).toContain('dataplug get')
    expect(failure(await cli(['get'], { stdin: task as string }))).toContain('dataplug task')
    expect(failure(await cli(['merge', path], { stdin: slices[0] as string }))).toContain('not a result line')
  })
})

describe('verify', () => {
  const verify = (some: readonly string[], ...flags: string[]) =>
    cli(['verify', path, ...flags], { stdin: joined(some) })

  it('proves that slices tile the object, in any order', async () => {
    const [shown] = lines(await verify(slices, '--json'))
    expect(JSON.parse(shown as string)).toEqual({
      uri: pathToFileURL(path).href,
      size: Buffer.byteLength(text),
      slices: 7,
      empty: 0,
      tiling: 'exact',
    })
    expect(lines(await verify([...slices].reverse())).join('\n')).toContain('exact')
  })

  it('finds what is lost, doubled or foreign, and says where', async () => {
    const extent = async (i: number) => JSON.parse(slices[i] as string).data.range as [number, number]
    const lost = failure(await verify(slices.filter((_, i) => i !== 3)))
    expect(lost).toMatch(/in no slice/)
    const [from] = /bytes (\d+)-/.exec(lost)?.slice(1).map(Number) ?? []
    expect(Math.abs((from ?? 0) - (await extent(3))[0])).toBeLessThan(512)
    expect(failure(await verify([...slices, slices[3] as string]))).toMatch(/in two slices/)
    expect(failure(await verify(slices.slice(1)))).toMatch(/bytes 0-.*in no slice/)
    expect(failure(await verify(slices.slice(0, -1)))).toMatch(/in no slice/)
    const other = await another('other.txt', text.toUpperCase())
    const foreign = lines(await cli(['partition', other, 'wholeWordsStrategy', '--num-chunks', '7']))
    expect(failure(await verify([...slices.slice(0, 3), ...foreign.slice(3)]))).toContain('other.txt')
  })

  it('proves that an index fits, and finds one that is damaged, stale or not there', async () => {
    const at = await another('verified.txt')
    const verified = (...flags: string[]) => cli(['verify', at, ...flags])
    expect(failure(await verified())).toContain('no index')
    await cli(['preprocess', at])
    expect(JSON.parse(lines(await verified('--json'))[0] as string)).toMatchObject({ index: 'fits' })
    const index = await readFile(`${at}.dataplug`)
    const cut = lines(await cli(['partition', at, 'partitionNumChunks', '--num-chunks', '2']))
    for (const place of [200, index.length - 2]) {
      const damaged = Buffer.from(index)
      damaged[place] = (damaged[place] as number) ^ 1
      await writeFile(`${at}.dataplug`, damaged)
      expect(failure(await verified())).toContain('verified.txt.dataplug')
      // Slices that are right do not make up for it.
      expect(failure(await cli(['verify', at], { stdin: joined(cut) }))).toContain('verified.txt.dataplug')
    }
    await writeFile(`${at}.dataplug`, index)
    await writeFile(at, `${text}more\n`)
    expect(failure(await verified())).toContain('preprocess')
  })
})

describe('info and formats', () => {
  it('tell what there is, for people and for machines', async () => {
    const at = await another('told.log')
    expect(lines(await cli(['info', at])).join('\n')).toMatch(/format +text\n.*none/)
    await cli(['preprocess', at])
    const [json] = lines(await cli(['info', '--json', at]))
    expect(JSON.parse(json as string)).toMatchObject({
      uri: pathToFileURL(at).href,
      size: Buffer.byteLength(text),
      format: 'text',
      index: 'ready',
      attributes: { totalLines: 5000 },
      strategies: expect.arrayContaining(['wholeWordsStrategy', 'partitionChunkLines']),
    })
    const known = lines(await cli(['formats', '--json'])).map((line) => JSON.parse(line))
    expect(known).toContainEqual(
      expect.objectContaining({ name: 'text', extensions: expect.arrayContaining(['.txt']) }),
    )
    expect(lines(await cli(['formats'])).join('\n')).toContain('wholeWordsStrategy')
  })

  it('find the format by name, by content, or as told', async () => {
    const format = async (name: string, body: string | Buffer, ...flags: string[]) => {
      const at = join(folder.path, name)
      await writeFile(at, body)
      return cli(['info', at, '--json', ...flags])
    }
    expect(JSON.parse((await format('A.TXT', Buffer.from([0, 1]))).stdout.toString()).format).toBe('text')
    expect(JSON.parse((await format('noname', 'words\n')).stdout.toString()).format).toBe('text')
    expect(JSON.parse((await format('none.txt', '')).stdout.toString()).size).toBe(0)
    const unknown = await format('binary', Buffer.from([0, 1, 2]))
    expect(JSON.parse(unknown.stderr).error).toMatchObject({ code: 'UNKNOWN_FORMAT' })
    expect(failure(await cli(['info', join(folder.path, 'binary')]))).toContain('--format')
    expect((await format('binary', Buffer.from([0, 1, 2]), '--format', 'text')).code).toBe(0)
    expect(failure(await cli(['info', path, '--format', 'nope']))).toContain('nope')
  })

  it('answer --help and --version', async () => {
    expect(lines(await cli(['--help'])).join('\n')).toContain('dataplug partition URI STRATEGY')
    expect(lines(await cli(['partition', '-h'])).length).toBeGreaterThan(10)
    expect(lines(await cli(['--version']))[0]).toMatch(/^\d+\.\d+\.\d+$/)
    expect(await cli([])).toMatchObject({ code: 1, stderr: expect.stringContaining('dataplug info URI') })
  })
})

describe('a plugin', () => {
  it('is imported from a path, and one that is not there is named', async () => {
    const plugin = join(folder.path, 'plugin.mjs')
    const main = new URL('../../dist/index.js', import.meta.url)
    await writeFile(
      plugin,
      `import { defineFormat } from ${JSON.stringify(main.href)}
       defineFormat({ name: 'shout', version: 1, module: import.meta.url, read: () => ({ async *bytes() {} }) })`,
    )
    const known = lines(await cli(['formats', '--plugin', plugin]))
    expect(known).toContainEqual(expect.stringMatching(/^shout /))
    expect(failure(await cli(['formats', '--plugin', './none.mjs']))).toContain('none.mjs')
  })
})

describe('mistakes are one clear line', () => {
  it.concurrent.each([
    ['a command', ['slice', 'x'], 'no command "slice"'],
    ['a flag', ['info', 'x', '--fast'], 'no flag --fast'],
    ['a flag with a value', ['get', '--num-chunks', '3'], 'no flag --num-chunks'],
    ['a short flag', ['info', '-x'], 'no flag -x'],
    ['a missing operand', ['partition', 'x'], 'STRATEGY'],
    ['an operand too much', ['info', 'a', 'b'], '"b"'],
    ['a file where lines are read', ['get', 'slices.jsonl'], 'dataplug get < FILE'],
    ['a missing value', ['info', 'x', '--format'], '--format needs a value'],
    ['a value too much', ['info', 'x', '--json=yes'], '--json takes no value'],
    ['a size', ['preprocess', 'x', '--chunk-size', '12QB'], '12QB'],
    ['no size', ['preprocess', 'x', '--chunk-size', '0'], '--chunk-size'],
    ['workers', ['preprocess', 'x', '--workers', '1.5'], '--workers'],
    ['a file that is not there', ['info', '/no/such/file.txt'], '/no/such/file.txt'],
    ['a folder', ['info', '/tmp', '--format', 'text'], 'directory'],
    ['a scheme', ['info', 'gopher://x/y.txt'], 'gopher'],
  ])('%s', async (_, args, expected) => {
    expect(failure(await cli(args))).toContain(expected)
  })

  it.concurrent.each([
    ['a strategy', ['everyOther', '--num-chunks', '2'], 'wholeWordsStrategy'],
    ['a parameter', ['wholeWordsStrategy', '--num-chunks', '2', '--num-workers', '2'], 'numWorkers'],
    ['no parameter', ['wholeWordsStrategy'], 'numChunks'],
    ['a negative number', ['wholeWordsStrategy', '--num-chunks', '-1'], 'numChunks'],
    ['a fraction', ['wholeWordsStrategy', '--num-chunks', '2.5'], '2.5'],
    ['a word', ['wholeWordsStrategy', '--num-chunks', 'many'], '"many"'],
  ])('%s of partition', async (_, args, expected) => {
    expect(failure(await cli(['partition', path, ...args]))).toContain(expected)
  })

  it.each(['hello', '{"dataplug":2}'])('a line that is no slice: %s', async (line) => {
    failure(await cli(['get'], { stdin: line }))
  })

  it('is JSON when asked for, code and all', async () => {
    const { code, stderr } = await cli(['info', '/no/such/file.txt', '--json'])
    expect({ code, ...JSON.parse(stderr) }).toMatchObject({
      code: 1,
      error: { code: 'NOT_FOUND', uri: 'file:///no/such/file.txt', message: expect.any(String) },
    })
    const unknown = await cli(['slice', '--json'])
    expect(JSON.parse(unknown.stderr).error.code).toBe('INVALID_ARGUMENT')
  })
})
