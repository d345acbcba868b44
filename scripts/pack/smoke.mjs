// The packed tarball, as its users meet it: what is in it, and that every way in works.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { run } from './shell.mjs'

const PACKED_BUDGET = 1_000_000

const PUBLISHED =
  /^(dist\/.+\.(js|mjs|cjs|d\.ts|wasm)|docs\/.+\.md|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/

const consumer = `
import { CloudObject, inline, map, Slice, threads, type Executor } from 'dataplug'
import { UTF8Text, partitionChunkLines, wholeWordsStrategy } from 'dataplug/formats/text'
import { openStorage } from 'dataplug/storage'
import { createHandler } from 'dataplug/lambda'
import { handler } from 'dataplug/lambda/bundle'
import { countLines } from 'dataplug/wasm'

const pool: Executor = threads({ size: 2 })
const object = await CloudObject.open(UTF8Text, 's3://bucket/key', { metadata: 's3://indexes/' })
await object.preprocess({ executor: pool, onProgress: ({ bytesDone }) => { const n: number = bytesDone } })
const total: number = object.attributes.totalLines
const slices = await object.partition(wholeWordsStrategy, { numChunks: 8, padding: 64 })
const text: string = await slices[0]!.get()
const bytes: Uint8Array = await Slice.fromJSON(JSON.stringify(slices[0]), { storage: {} }).bytes()
const counts = await map<number>(pool, slices, new URL('./count.js', import.meta.url))
const lines: number = countLines(bytes) + counts.length + total + text.length
// @ts-expect-error a parameter of another strategy
await object.partition(partitionChunkLines, { numChunks: 8 })
await openStorage({ s3: { region: 'eu-west-1' } }).head('s3://bucket/key')
await Promise.all([handler, createHandler({ map: (slice) => slice.text() })].map((each) => each(slices[0])))
export { inline, lines }
`

const words = `
export default async function countWords(slice) {
  return (await slice.text()).split(/\\s+/).filter(Boolean).length
}`

const program = `
import assert from 'node:assert/strict'
import { CloudObject, map, Slice, threads } from 'dataplug'
import { UTF8Text, partitionChunkLines, wholeWordsStrategy } from 'dataplug/formats/text'

const expected = JSON.parse(process.argv[1])
const pool = threads({ size: 2 })
const object = await CloudObject.open(UTF8Text, 'text.txt')
await object.preprocess({ executor: pool, chunkSize: 20_000 })
assert.equal(object.attributes.totalLines, expected.lines)
const slices = await object.partition(wholeWordsStrategy, { numChunks: 9 })
const counts = await map(pool, slices, new URL('./words.js', 'file://' + process.cwd() + '/'))
assert.equal(counts.reduce((sum, count) => sum + count), expected.words)
const exact = await object.partition(partitionChunkLines, { linesPerChunk: 400 })
const revived = exact.map((slice) => Slice.fromJSON(JSON.stringify(slice)))
const lines = await Promise.all(revived.map(async (slice) => (await slice.get()).split('\\n').length - 1))
assert.deepEqual(lines, expected.linesPerSlice)
await pool[Symbol.asyncDispose]()
console.log('done')`

/** Files of a tarball, without the folder that holds them all. */
function filesOf(tarball) {
  const list = run('tar', ['-tzf', tarball], { cwd: '.' }).trimEnd().split('\n')
  return list.map((path) => path.replace(/^package\//, '')).sort()
}

/**
 * @param {{ readonly root: string, readonly project: string, readonly tarballs: string }} places the repository,
 * a folder in which dataplug's tarball is installed, and the one the tarball is in
 * @returns {(readonly [name: string, run: () => unknown])[]}
 */
export function smokeChecks({ root, project, tarballs }) {
  const installed = join(project, 'node_modules/dataplug')
  const manifest = () => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const node = (code, ...args) =>
    run(process.execPath, ['--input-type=module', '--eval', code, ...args], { cwd: project })
  const dataplug = (...args) => run('npx', ['--no-install', 'dataplug', ...args], { cwd: project })

  return [
    [
      'package: the tarball holds what is meant to be published, and no more',
      () => {
        const tarball = join(tarballs, readdirSync(tarballs).find((name) => /^dataplug-\d/.test(name)) ?? '')
        const files = filesOf(tarball)
        const size = statSync(tarball).size
        console.log(`${files.map((file) => `        ${file}`).join('\n')}\n        ${size} bytes packed`)
        assert.deepEqual(
          files.filter((file) => !PUBLISHED.test(file)),
          [],
        )
        for (const file of [
          'dist/index.js',
          'dist/core.wasm',
          'dist/lambda/index.mjs',
          'README.md',
          'LICENSE',
        ])
          assert.ok(files.includes(file), file)
        assert.ok(size <= PACKED_BUDGET, `${size} bytes packed; the budget is ${PACKED_BUDGET}`)
      },
    ],
    [
      'package: every export is imported in Node',
      () => {
        const names = Object.keys(manifest().exports).map((path) => `dataplug${path.slice(1)}`)
        const modules = names.filter((name) => !/\.(wasm|json)$/.test(name))
        assert.ok(modules.length >= 6)
        const code = `
          import { readFile } from 'node:fs/promises'
          const found = {}
          for (const name of ${JSON.stringify(modules)}) found[name] = Object.keys(await import(name)).length
          const wasm = await WebAssembly.compile(await readFile(new URL(import.meta.resolve('dataplug/core.wasm'))))
          console.log(JSON.stringify({ found, imports: WebAssembly.Module.imports(wasm).length }))`
        const { found, imports } = JSON.parse(node(code))
        for (const name of modules) assert.ok(found[name] > 0, name)
        assert.equal(imports, 0)
      },
    ],
    [
      'package: the command line runs',
      () => {
        assert.equal(dataplug('--version').trim(), manifest().version)
        assert.match(dataplug('formats'), /^text .*wholeWordsStrategy/m)
      },
    ],
    [
      'package: a text is indexed, cut and read in threads',
      () => {
        const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${'naïve words '.repeat(i % 13)}`)
        writeFileSync(join(project, 'text.txt'), `${lines.join('\n')}\n`)
        writeFileSync(join(project, 'words.js'), words)
        const expected = {
          lines: lines.length,
          words: lines.join(' ').split(/\s+/).filter(Boolean).length,
          linesPerSlice: Array.from({ length: 13 }, (_, i) => (i < 12 ? 400 : 200)),
        }
        assert.equal(node(program, JSON.stringify(expected)), 'done\n')
      },
    ],
    [
      'package: a bundler for browsers takes it without a warning',
      async () => {
        const names = Object.keys(manifest().exports)
          .filter((path) => /^\.$|^\.\/(formats\/|storage$|wasm$|plugin$)/.test(path))
          .map((path) => `dataplug${path.slice(1)}`)
        const { warnings, metafile } = await build({
          stdin: {
            contents: names.map((name, i) => `export * as name${i} from '${name}'`).join('\n'),
            resolveDir: project,
          },
          bundle: true,
          format: 'esm',
          platform: 'browser',
          metafile: true,
          write: false,
          logLevel: 'silent',
        })
        assert.deepEqual(warnings, [])
        const files = Object.keys(metafile.inputs).join('\n')
        assert.match(files, /node_modules\/dataplug\/dist\/browser\.js/)
        assert.doesNotMatch(files, /@aws-sdk|piscina/)
      },
    ],
    ...['nodenext', 'bundler'].map((resolution) => [
      `package: its types are whole and hold users to them (${resolution})`,
      () => {
        writeFileSync(join(project, 'consumer.ts'), consumer)
        const module = resolution === 'bundler' ? 'esnext' : 'nodenext'
        const options = [
          '--noEmit',
          '--strict',
          '--target',
          'es2022',
          '--lib',
          'es2022,esnext.disposable,dom',
        ]
        // The S3 client's own types need those of Node.
        const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
        run(
          join(root, 'node_modules/.bin/tsc'),
          [
            ...options,
            ...types,
            '--module',
            module,
            '--moduleResolution',
            resolution,
            '--ignoreConfig',
            'consumer.ts',
          ],
          { cwd: project },
        )
      },
    ]),
  ]
}
