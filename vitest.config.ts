import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { limits } from './test/limits.js'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/s3/**', 'test/tools/**', 'node_modules/**'],
    pool: 'forks',
    // The default leaves one processor idle, on two that is half of them.
    maxWorkers: availableParallelism(),
    ...limits,
  },
})
