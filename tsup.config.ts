import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { defineConfig, type Options } from 'tsup'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

// What `import 'dataplug'` needs on any host. The bundler puts modules in one file when the same entry points reach
// them; an entry point that reached some of these only would break them up, and each file that an import loads
// costs about a millisecond.
const shared = ['src/common.ts', 'src/storage/common.ts'].map((path) => resolve(path))

const inOneFile: Plugin = {
  name: 'shared-in-one-file',
  setup(build) {
    const starts = new Set<string>()
    build.onResolve({ filter: /\.[jt]s$/ }, ({ kind, path, resolveDir }) => {
      if (kind === 'entry-point' || kind === 'dynamic-import')
        starts.add(resolve(resolveDir, path.replace(/\.js$/, '.ts')))
      return undefined
    })
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      if (!starts.has(path) || path.endsWith('.generated.ts')) return undefined
      const imports = shared.map((module) => `\nimport ${JSON.stringify(module)}`).join('')
      return { contents: (await readFile(path, 'utf8')) + imports, loader: 'ts' }
    })
  },
}

// The entry points and what they share, in few files. Shared files and the worker's lie in one folder, so that
// `import.meta.url` finds it. Splitting keeps what only one host reaches out of the files that another host loads.
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    browser: 'src/browser.ts',
    lambda: 'src/lambda.ts',
    cli: 'src/cli.ts',
    wasm: 'src/wasm.ts',
    plugin: 'src/plugin.ts',
    compression: 'src/compression.ts',
    arrow: 'src/arrow.ts',
    'testing/index': 'src/testing/index.ts',
    'storage/index': 'src/storage/index.ts',
    'storage/browser': 'src/storage/browser.ts',
    'formats/text': 'src/formats/text.ts',
    'formats/gzip': 'src/formats/gzip-text.ts',
    'formats/fasta': 'src/formats/fasta.ts',
    'formats/csv': 'src/formats/csv.ts',
    'formats/fastq': 'src/formats/fastq.ts',
    'formats/jsonl': 'src/formats/jsonl.ts',
    'formats/vcf': 'src/formats/vcf.ts',
    'formats/bam': 'src/formats/bam.ts',
    'formats/parquet': 'src/formats/parquet.ts',
    'thread-worker': 'src/executors/thread-worker.ts',
  },
  esbuildPlugins: [inOneFile],
  outDir: 'dist',
  format: 'esm',
  bundle: true,
  splitting: true,
  platform: 'neutral',
  external: [/^node:/],
  target: 'es2022',
  removeNodeProtocol: false,
  clean: false,
  silent: true,
})
