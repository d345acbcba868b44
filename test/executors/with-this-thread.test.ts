import { describe, expect, it } from 'vitest'
import type { Executor } from '../../src/cloud/executor.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { withThisThread } from '../../src/executors/with-this-thread.js'
import { bgzf } from '../compression/bgzf.js'
import { indexOf, makeText, openGzip } from '../compression/objects.js'

/** Others that note how many units they hold at once. */
function noting(concurrency: number) {
  const counts = { running: 0, most: 0, all: 0, disposed: 0 }
  const executor: Executor = {
    name: 'others',
    concurrency,
    async run(work, environment, options) {
      counts.all++
      counts.most = Math.max(counts.most, ++counts.running)
      try {
        await new Promise((resolve) => setTimeout(resolve, 1))
        return await inThisThread.run(work, environment, options)
      } finally {
        counts.running--
      }
    },
    async [Symbol.asyncDispose]() {
      counts.disposed++
    },
  }
  return { executor, counts }
}

describe('this thread beside others', () => {
  it('gives the same index, and the others no more than they can hold', async () => {
    const stored = bgzf(makeText(3, 900_000), 20_000)
    const expected = await indexOf(stored, inThisThread, stored.length)
    for (const size of [1, 2, 3]) {
      const { executor, counts } = noting(size)
      const both = withThisThread(executor)
      expect(both.concurrency).toBe(size + 1)
      expect((await indexOf(stored, both, 20_000)).equals(expected)).toBe(true)
      expect(counts.most).toBe(size)
      await both[Symbol.asyncDispose]()
      expect(counts.disposed).toBe(1)
    }
  })

  it('does some of the work here', async () => {
    const stored = bgzf(makeText(4, 900_000), 20_000)
    const { executor, counts } = noting(1)
    let done = 0
    const object = await openGzip(stored)
    await object.preprocess({
      executor: withThisThread(executor),
      chunkSize: 20_000,
      span: 1 << 16,
      onProgress: ({ tasks }) => {
        done = tasks
      },
    })
    expect(counts.all).toBeGreaterThan(0)
    expect(counts.all).toBeLessThan(done)
  })

  it('passes on failures and aborts, and takes no work once disposed', async () => {
    const stored = bgzf(makeText(5, 300_000), 20_000)
    const damaged = Buffer.from(stored)
    damaged[60_000] = (damaged[60_000] as number) ^ 1
    const { executor } = noting(1)
    const both = withThisThread(executor)
    await expect(
      (await openGzip(damaged)).preprocess({ executor: both, chunkSize: 9000 }),
    ).rejects.toMatchObject({ code: 'MALFORMED_DATA' })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect((await openGzip(stored)).preprocess({ executor: both, signal })).rejects.toThrow('enough')
    // Slots were given back.
    await (await openGzip(stored)).preprocess({ executor: both, chunkSize: 9000 })
    await both[Symbol.asyncDispose]()
    await expect((await openGzip(stored)).preprocess({ executor: both })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
