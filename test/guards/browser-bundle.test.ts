import { builtinModules } from 'node:module'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'
import { expect, test } from 'vitest'
import { built, modules } from './package.js'

/**
 * Bytes of `import * from 'dataplug'`, minified and compressed, with all formats and the core inside. A bundler that
 * splits loads a format when it is used; parsers of other packages are not counted.
 */
const BUDGET = 96 * 1024

const builtins = new Set(builtinModules)
const isForbidden = (specifier: string) =>
  specifier.startsWith('node:') ||
  builtins.has(specifier.split('/')[0] as string) ||
  /^(@aws-sdk|@smithy|piscina)(\/|$)/.test(specifier)

interface Bundle {
  /** `importer -> specifier` of imports that no browser has or should download. */
  readonly forbidden: readonly string[]
  readonly files: readonly string[]
  readonly code: Uint8Array
}

async function bundle(path: string, { parsers = true } = {}): Promise<Bundle> {
  const forbidden: string[] = []
  const guard: Plugin = {
    name: 'guard',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path: specifier, importer, kind }) => {
        if (!parsers && kind === 'dynamic-import' && !isForbidden(specifier)) {
          return { path: specifier, external: true }
        }
        if (!isForbidden(specifier)) return undefined
        forbidden.push(`${importer.replace(/^.*\/dist\//, 'dist/')} -> ${specifier}`)
        return { path: specifier, external: true }
      })
    },
  }
  const { metafile, outputFiles } = await build({
    stdin: { contents: `export * from ${JSON.stringify(built(path))}`, resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    write: false,
    plugins: [guard],
    logLevel: 'silent',
  })
  return {
    forbidden,
    files: Object.keys(metafile.inputs),
    code: outputFiles[0]?.contents as Uint8Array,
  }
}

const forBrowsers = modules('browser').filter(
  ({ name }) => !name.startsWith('dataplug/lambda') && name !== 'dataplug/testing',
)

test.each(forBrowsers)('$name reaches nothing of Node, the S3 SDK or Piscina', async ({ path }) => {
  const { forbidden, files } = await bundle(path)
  expect(forbidden).toEqual([])
  expect(files.some((file) => file.endsWith(path))).toBe(true)
})

test('the entry for Node does, and it would be seen', async () => {
  const { forbidden } = await bundle('dist/index.js')
  for (const specifier of ['piscina', '@aws-sdk/client-s3', 'node:url']) {
    expect(forbidden.map((found) => found.split(' -> ')[1])).toContain(specifier)
  }
})

test(`dataplug in a browser takes less than ${BUDGET} bytes, minified and compressed`, async () => {
  const { code } = await bundle('dist/browser.js', { parsers: false })
  const size = gzipSync(code, { level: 9 }).length
  expect(size).toBeLessThan(BUDGET)
  // Far less would mean that something was lost.
  expect(size).toBeGreaterThan(BUDGET / 4)
})
