// Node entry point.
import { useStorage } from './cloud/environment.js'
import { useFiles } from './cloud/files.js'
import { openStorage } from './storage/open.js'

useStorage(openStorage, async (...upload) => (await import('./storage/upload.js')).uploadFile(...upload))
useFiles(async (...file) => (await import('./storage/write-file.js')).writeFile(...file))

export * from './common.js'
export { type ThreadsOptions, threads } from './executors/threads.js'
