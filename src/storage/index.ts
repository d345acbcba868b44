// Stores for Node.
export * from './common.js'
export { fileStore } from './file.js'
export { openStorage } from './open.js'
export { type S3StoreOptions, s3Store } from './s3.js'
