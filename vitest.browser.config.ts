import { defineConfig } from 'vitest/config'
import { limits } from './test/limits.js'

// The tests run in Node and drive a real Chromium; see docs/browser.md.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    pool: 'forks',
    ...limits,
  },
})
