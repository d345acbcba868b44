import { startS3Server } from '../../src/testing/s3-server/index.js'
import { s3Stores } from '../s3/stores.js'

s3Stores('our server', () => startS3Server())
