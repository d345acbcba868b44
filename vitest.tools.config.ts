import { defineConfig } from 'vitest/config'
import { limits } from './test/limits.js'

// Against real programs; see scripts/test-tools.mjs.
export default defineConfig({
  test: {
    include: ['test/tools/**/*.test.ts'],
    pool: 'forks',
    ...limits,
  },
})
