import { defineConfig } from 'vitest/config'

// The tests run in Node and drive a real Chromium; see docs/browser.md.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
