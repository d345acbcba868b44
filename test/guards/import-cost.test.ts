import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { built, modules } from './package.js'
import { root } from './sources.js'

// V8 reports every script and WebAssembly module it compiles, in whatever way it was loaded.
const spy = `
import { Session } from 'node:inspector'
const scripts = []
const session = new Session()
session.connect()
session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url))
session.post('Debugger.enable')
const before = scripts.length
const { url, then } = JSON.parse(process.argv[1])
const loaded = await import(url)
if (then) await new Function('loaded', 'return ' + then)(loaded)
process.stdout.write(JSON.stringify(scripts.slice(before)))
process.exit(0)`

/** URLs of all that is compiled while a file is imported and then `then`, an expression over `loaded`, is evaluated. */
async function compiledBy(path: string, then?: string): Promise<string[]> {
  const argument = JSON.stringify({ url: pathToFileURL(built(path)).href, then })
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', spy, argument])
  return JSON.parse(stdout) as string[]
}

const packagesIn = (urls: readonly string[]) =>
  [...new Set(urls.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))].sort()
const wasmIn = (urls: readonly string[]) => urls.filter((url) => url.startsWith('wasm:'))
const formatsIn = (urls: readonly string[]) =>
  urls.filter(
    (url) =>
      url.startsWith('file:') && readFileSync(fileURLToPath(url), 'utf8').includes('wholeWordsStrategy'),
  )

test.each(
  modules('node').filter(({ name }) => name !== 'dataplug/lambda/bundle' && name !== 'dataplug/testing'),
)('importing $name loads no package and compiles no WebAssembly', async ({ path }) => {
  const urls = await compiledBy(path)
  expect(urls).toContain(pathToFileURL(root + path).href)
  expect(packagesIn(urls)).toEqual([])
  expect(wasmIn(urls)).toEqual([])
})

test('importing dataplug loads no part of Node that takes long: zlib is loaded with the first window', async () => {
  const has = "process.moduleLoadList.includes('NativeModule zlib')"
  const index = JSON.stringify(pathToFileURL(built('dist/index.js')))
  const program = `await import(${index}); const before = ${has}; await import('node:zlib'); console.log(before, ${has})`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  expect(stdout).toBe('false true\n')
})

test('importing dataplug loads no format', async () => {
  expect(formatsIn(await compiledBy('dist/index.js'))).toEqual([])
})

test('what is not loaded at first would be seen: the core, a format, Piscina, the S3 SDK', async () => {
  expect(wasmIn(await compiledBy('dist/wasm.js', 'loaded.countLines(new Uint8Array(9))'))).not.toEqual([])
  expect(formatsIn(await compiledBy('dist/index.js', "loaded.findFormat('text')"))).toHaveLength(1)
  const threads =
    "loaded.threads({ size: 1 }).run({ line: '{}' }, { storage: {}, modules: [] }).catch(() => {})"
  expect(packagesIn(await compiledBy('dist/index.js', threads))).toContain('piscina')
  const s3 = "loaded.openStorage({ retry: { attempts: 1 } }).head('s3://b/k').catch(() => {})"
  const environment = process.env.AWS_ENDPOINT_URL_S3
  process.env.AWS_ENDPOINT_URL_S3 = 'http://127.0.0.1:1'
  try {
    expect(packagesIn(await compiledBy('dist/storage/index.js', s3))).toContain('@aws-sdk/client-s3')
  } finally {
    if (environment === undefined) delete process.env.AWS_ENDPOINT_URL_S3
    else process.env.AWS_ENDPOINT_URL_S3 = environment
  }
})
