import { s3Protocol } from './protocol.js'
import { realS3 } from './real.js'

s3Protocol('a real server', async () => ({ ...realS3(), close: async () => {} }))
