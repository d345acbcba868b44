import { defineConfig } from 'tsup'

// The entry points and what they share, in few files: loading a module costs about a millisecond, and
// `import 'dataplug'` should cost little. Shared files and the worker's lie in one folder, so that
// `import.meta.url` finds it. Splitting keeps what only one host reaches out of
// the files that another host loads.
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    browser: 'src/browser.ts',
    lambda: 'src/lambda.ts',
    cli: 'src/cli.ts',
    wasm: 'src/wasm.ts',
    plugin: 'src/plugin.ts',
    compression: 'src/compression.ts',
    'testing/index': 'src/testing/index.ts',
    'storage/index': 'src/storage/index.ts',
    'storage/browser': 'src/storage/browser.ts',
    'formats/text': 'src/formats/text.ts',
    'formats/gzip': 'src/formats/gzip-text.ts',
    'formats/fastq': 'src/formats/fastq.ts',
    'thread-worker': 'src/executors/thread-worker.ts',
  },
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
