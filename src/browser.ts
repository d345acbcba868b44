// Browser entry point: the same, without what needs Node.
import { useStorage } from './cloud/environment.js'
import { openStorage } from './storage/browser.js'

useStorage(openStorage)

export * from './common.js'
