import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStorage as openInBrowser } from '../../src/storage/browser.js'
import { memoryStore, openStorage, readBytes, routeStores, type StoreEvent } from '../../src/storage/index.js'
import { all, fakeObject, pattern, rejection, startFake } from './http-fake.js'

describe('in Node', () => {
  test('http, paths and file URLs go to their stores; hooks see every request', async () => {
    const fake = await startFake()
    fake.objects.set('a', fakeObject(pattern(1000)))
    const folder = mkdtempSync(join(tmpdir(), 'dataplug-open-'))
    writeFileSync(join(folder, 'a'), pattern(100))
    const events: StoreEvent[] = []
    await using storage = openStorage(
      { split: { above: 500, partSize: 300 } },
      { onEvent: (event) => events.push(event) },
    )
    expect((await readBytes(storage, `${fake.origin}/a`, [0, 1000])).length).toBe(1000)
    expect((await readBytes(storage, join(folder, 'a'), [0, 100])).length).toBe(100)
    expect((await storage.head(`file://${folder}/a`)).size).toBe(100)
    const requests = events
      .filter(({ kind }) => kind === 'request')
      .map(({ operation, range }) => [operation, range])
    expect(requests.slice(0, 4)).toEqual([
      ['read', [0, 300]],
      ['read', [300, 600]],
      ['read', [600, 900]],
      ['read', [900, 1000]],
    ])
    expect(requests.length).toBe(6)
    rmSync(folder, { recursive: true })
    await fake.close()
  })

  test('what cannot be written or listed says so and what to do', async () => {
    await using storage = openStorage()
    expect(await rejection(storage.write('https://host/a', new Uint8Array()))).toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.stringContaining('`metadata`'),
    })
    expect(await rejection(storage.remove('https://host/a'))).toMatchObject({ code: 'STORE_READ_ONLY' })
    expect(await rejection(all(storage.list('https://host/a')))).toMatchObject({ code: 'UNSUPPORTED' })
  })

  test.each(['memory:a', 'gs://b/k', 'blob:a', 'ftp://h/a', 'constructor:x'])(
    '%s is refused with advice',
    async (uri) => {
      await using storage = openStorage()
      for (const call of [() => storage.head(uri), () => readBytes(storage, uri, [0, 1])]) {
        expect(await rejection(call())).toMatchObject({ code: 'UNSUPPORTED', uri })
      }
    },
  )
})

describe('in a browser', () => {
  test('blobs and http are read, nothing else', async () => {
    await using storage = openInBrowser({}, { blobs: { 'a.txt': new Blob(['hello']) } })
    expect(await readBytes(storage, 'blob:a.txt', [1, 3])).toEqual(new TextEncoder().encode('el'))
    expect(await rejection(storage.head('blob:b'))).toMatchObject({ code: 'NOT_FOUND' })
    for (const uri of ['s3://b/k', '/a', 'file:///a', 'memory:x']) {
      expect(await rejection(storage.head(uri))).toMatchObject({ code: 'UNSUPPORTED' })
    }
    expect(await rejection(storage.write('blob:a.txt', new Uint8Array()))).toMatchObject({
      code: 'STORE_READ_ONLY',
    })
  })

  test('its module reaches no Node, AWS or Piscina import', () => {
    const seen = new Set<string>()
    const visit = (path: string) => {
      if (seen.has(path)) return
      seen.add(path)
      const source = readFileSync(path, 'utf8').replace(/^(import|export) type [^;]*?from '[^']*'$/gm, '')
      for (const [, name = ''] of source.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)) {
        expect(name, `import in ${path}`).toMatch(/^\.\.?\//)
        visit(resolve(dirname(path), name.replace(/\.js$/, '.ts')))
      }
    }
    visit(resolve('src/storage/browser.ts'))
    expect(seen.size).toBeGreaterThan(10)
  })
})

test('a route of one’s own', async () => {
  const storage = routeStores({ memory: memoryStore({ 'memory:a': 'abc' }) })
  expect((await storage.head('memory:a')).size).toBe(3)
  await storage.write('memory:b', pattern(2))
  expect((await all(storage.list('memory:'))).length).toBe(2)
  expect(await rejection(storage.head('s3://b/k'))).toMatchObject({
    message: expect.stringContaining('memory:'),
  })
})

test('nothing heavy is loaded before it is used', () => {
  const script = `
    import { registerHooks } from 'node:module'
    const { openStorage } = await import(process.argv[1])
    openStorage()
    const heavy = process.moduleLoadList.filter((name) => /NativeModule (http|https|net|tls|crypto|zlib)$/.test(name))
    console.log(JSON.stringify(heavy))`
  // Bundled, so that plain Node runs it on every supported version.
  const bundle = join(mkdtempSync(join(tmpdir(), 'dataplug-import-')), 'storage.mjs')
  execFileSync('node_modules/.bin/esbuild', [
    'src/storage/index.ts',
    '--bundle',
    '--format=esm',
    '--platform=node',
    '--external:@aws-sdk/*',
    `--outfile=${bundle}`,
    '--log-level=error',
  ])
  const run = script.replace(/^.*registerHooks.*$/m, '')
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', run, bundle], {
    encoding: 'utf8',
  })
  expect(JSON.parse(output)).toEqual([])
  rmSync(dirname(bundle), { recursive: true })
})
