// A program that uses a pool and then has nothing more to do. It must end by itself.
import { CloudObject, map, threads } from 'dataplug'
import { partitionNumChunks, UTF8Text } from 'dataplug/formats/text'

const [what, uri, storageJson] = process.argv.slice(2)
const storage = JSON.parse(storageJson)
const misbehave = (query) => new URL(`./misbehave.mjs?what=${query}`, import.meta.url)

const object = await CloudObject.open(UTF8Text, uri, { storage })
const slices = await object.partition(partitionNumChunks, { numChunks: 8 })
const reason = new Error('enough')
const told = (error) => (error === reason ? 'reason' : (error.code ?? error.name))

const programs = {
  /** A pool that is idle and was never disposed. */
  async idle() {
    const pool = threads({ size: 2 })
    return (await map(pool, slices, misbehave('bytes'))).length
  },
  async disposed() {
    const pool = threads({ size: 2 })
    try {
      return (await map(pool, slices, misbehave('bytes'))).length
    } finally {
      await pool[Symbol.asyncDispose]()
    }
  },
  /** More work at once, under one signal, than Node takes for a leak of listeners. */
  async many() {
    const { signal } = new AbortController()
    const pool = threads({ size: 12 })
    return (await map(pool, [...slices, ...slices], misbehave('throw&only=-1'), { signal })).length
  },
  /** Aborted with threads starting, running and done, at each number of finished slices in turn. */
  async abort() {
    const outcomes = []
    for (const at of [0, 1, 5]) {
      const pool = threads({ size: 2 })
      const controller = new AbortController()
      const options = {
        signal: controller.signal,
        onProgress: (done) => done === at && controller.abort(reason),
      }
      const mapped = map(pool, slices, misbehave('hang&only=7'), options).catch(told)
      if (at === 0) controller.abort(reason)
      outcomes.push(await mapped)
    }
    return outcomes.join()
  },
  /** Aborted while threads load, each time a little later; the last pool is left as it is. */
  async starting() {
    const outcomes = new Set()
    for (let ms = 0; ms < 200; ms += 20) {
      const pool = threads({ size: 3 })
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), ms)
      outcomes.add(await map(pool, slices, misbehave('hang'), { signal: controller.signal }).catch(told))
    }
    return [...outcomes].join()
  },
  /** Aborted in the middle of preprocessing. */
  async preprocess() {
    const pool = threads({ size: 2 })
    const controller = new AbortController()
    const onProgress = ({ tasksDone }) => tasksDone === 3 && controller.abort(reason)
    return object
      .preprocess({ executor: pool, chunkSize: 4096, signal: controller.signal, onProgress })
      .then(() => 'done', told)
  },
  async crash() {
    const pool = threads({ size: 2 })
    return map(pool, slices, misbehave('exit&only=3')).catch(told)
  },
}

console.log(await programs[what]())
