import { realS3 } from './real.js'
import { s3Stores } from './stores.js'

s3Stores('a real server', async () => ({ ...realS3(), close: async () => {} }))
