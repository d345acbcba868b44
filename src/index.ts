// Node entry point.
import { useStorage } from './cloud/environment.js'
import { openStorage } from './storage/index.js'

useStorage(openStorage)

export * from './common.js'
export { type ThreadsOptions, threads } from './executors/threads.js'
