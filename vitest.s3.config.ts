import { defineConfig } from 'vitest/config'
import { limits } from './test/limits.js'

export default defineConfig({
  test: {
    include: ['test/s3/**/*.test.ts'],
    pool: 'forks',
    ...limits,
  },
})
