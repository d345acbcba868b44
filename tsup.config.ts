import { defineConfig } from 'tsup'

// One output file per source file: `import.meta.url` then names the same neighbours in `src` and
// `dist` (the worker files), and a consumer's bundler sees the real module graph.
export default defineConfig({
  entry: ['src/**/*.ts', '!src/**/*.d.ts'],
  outDir: 'dist',
  format: 'esm',
  bundle: false,
  // A shared chunk of helpers would be imported for its effects only, which bundlers warn about and drop.
  splitting: false,
  platform: 'neutral',
  target: 'es2022',
  clean: false,
  silent: true,
})
