import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/s3/**', 'test/tools/**', 'node_modules/**'],
    pool: 'forks',
    testTimeout: 30_000,
  },
})
