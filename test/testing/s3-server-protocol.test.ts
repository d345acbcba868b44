import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startS3Server } from '../../src/testing/s3-server/index.js'
import { s3Protocol } from '../s3/protocol.js'

s3Protocol('our server, in memory', () => startS3Server())

s3Protocol('our server, on disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dataplug-s3-'))
  const server = await startS3Server({ directory })
  return {
    ...server,
    close: async () => {
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
})
