import { defineConfig } from 'vitest/config'

// Against real programs; see scripts/test-tools.mjs.
export default defineConfig({
  test: {
    include: ['test/tools/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
