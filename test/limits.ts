/**
 * What ends a test that hangs. Nothing waits for these limits, and a shared machine may stand still for a minute:
 * so they lie far beyond what a test takes, which is seconds.
 */
export const limits = { testTimeout: 240_000, hookTimeout: 240_000 }

/** Milliseconds after which a child process of a test hangs; less than the test has, so that it can say which. */
export const CHILD_LIMIT = 100_000

/** Milliseconds after its last output in which a child process that does not end by itself shows. */
export const LINGER_LIMIT = 20_000
