import { expect, test } from 'vitest'
import { importsOf, sourceFiles, sourceImports } from './sources.js'

// Imports run one way, from the end of this list to its start.
const layers: readonly (readonly [name: string, belongs: RegExp])[] = [
  ['errors, ranges, bytes', /^(errors|range|checks|bytes|base64)\.ts$/],
  ['storage', /^storage\//],
  ['core', /^core\//],
  ['compression', /^compression\//],
  ['formats', /^formats\//],
  ['cloud', /^cloud\//],
  ['executors', /^executors\//],
  ['entry points', /^(index|browser|common|lambda|wasm|plugin|compression|arrow|cli)\.ts$|^cli\/|^testing\//],
]

const ENTRY_POINT = /^(index|browser|lambda|wasm|plugin|compression|arrow|cli|testing\/index)\.ts$/

// A worker thread and the command line are programs of their own and set their host up; what runs
// conformance suites does it for the plugin's author.
const mayImportEntryPoint = /^(executors\/thread-worker|cli|testing\/[\w-]+)\.ts -> index\.ts$/

const files = sourceFiles()
const imports = sourceImports()
const layerOf = (path: string) => layers.findIndex(([, belongs]) => belongs.test(path))
const arrow = ({ from, to, specifier }: (typeof imports)[number]) => `${from} -> ${to ?? specifier}`

test('every way to import is seen', () => {
  const code = `import a, { type B } from './a.js'
import type {
  C,
} from './c.js'
import './d.js'
export * from './e.js'
export { type F, f } from './f.js'
export type { G } from './g.js'
// import { no } from './no.js'
/** import('./no.js') and \`import no from './no.js'\` */
const h = await import('./h.js')
let i: typeof import('./i.js')
const j = new URL('./j.js', import.meta.url)
const k = import(/* @vite-ignore */ './k.js')`
  const found = importsOf(code)
    .map(({ specifier, kind }) => `${specifier} ${kind}`)
    .sort()
  expect(found).toEqual([
    './a.js static',
    './c.js type',
    './d.js static',
    './e.js static',
    './f.js static',
    './g.js type',
    './h.js dynamic',
    './i.js type',
    './j.js dynamic',
    './k.js dynamic',
  ])
})

test('every file belongs to one layer, and every relative import leads to a file', () => {
  expect(files.filter((path) => layers.filter(([, belongs]) => belongs.test(path)).length !== 1)).toEqual([])
  const lost = imports.filter(({ to }) => to !== undefined && !files.includes(to) && !to.endsWith('.json'))
  expect(lost.map(arrow)).toEqual([])
  expect(imports.length).toBeGreaterThan(files.length)
})

test('imports run one way between layers, types included', () => {
  const upward = imports
    .filter(({ to }) => to !== undefined && files.includes(to))
    .filter(({ from, to }) => layerOf(to as string) > layerOf(from))
    .map(arrow)
    .filter((found) => !mayImportEntryPoint.test(found))
  expect(upward).toEqual([])
})

test('nothing imports an entry point, except programs', () => {
  const found = imports.filter(({ to }) => to !== undefined && ENTRY_POINT.test(to)).map(arrow)
  expect(found.filter((found) => !mayImportEntryPoint.test(found))).toEqual([])
})

test('files do not import each other in a circle', () => {
  const uses = new Map<string, string[]>()
  for (const { from, to, kind } of imports) {
    if (kind === 'static' && to !== undefined) uses.set(from, [...(uses.get(from) ?? []), to])
  }
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (done.has(path) || trail.includes(path)) return
    for (const next of uses.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of files) visit(path, [])
  expect(circles).toEqual([])
})

test('what runs in every host imports no package; formats may load one when they are used', () => {
  const found = imports
    .filter(
      ({ from, to }) =>
        to === undefined &&
        /^(errors|range|checks|bytes|base64)\.ts$|^(core|compression|formats|cloud)\//.test(from),
    )
    .filter(
      ({ from, kind, specifier }) =>
        !(from.startsWith('formats/') && kind !== 'static' && !specifier.startsWith('node:')),
    )
  expect(found.map(arrow)).toEqual([])
})

test('the S3 SDK and Piscina are named in one place each, and loaded on first use only', () => {
  const found = imports.filter(({ specifier }) => /^(@aws-sdk\/|@smithy\/|piscina)/.test(specifier))
  const allowed = {
    '@aws-sdk/client-s3': /^storage\/s3[\w-]*\.ts$/,
    piscina: /^executors\/thread(s|-worker)\.ts$/,
  }
  for (const used of found) {
    expect(allowed[used.specifier as keyof typeof allowed]?.test(used.from), arrow(used)).toBe(true)
    // The worker file is loaded by Piscina itself.
    if (used.from !== 'executors/thread-worker.ts') expect(used.kind, arrow(used)).not.toBe('static')
  }
  expect(found.length).toBeGreaterThan(0)
})
