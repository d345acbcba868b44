import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readBytes } from '../../src/storage/index.js'
import { s3Store } from '../../src/storage/s3.js'
import { startS3Server } from '../../src/testing/s3-server/server.js'

beforeEach(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere')
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => vi.unstubAllEnvs())

test('a public object is read where there are no credentials at all', async () => {
  await using server = await startS3Server({ buckets: ['open'], credentials: false })
  await using store = s3Store({ endpoint: server.endpoint, region: 'us-east-1', anonymous: true })
  await store.write('s3://open/a', new TextEncoder().encode('public'))
  const { size } = await store.head('s3://open/a')
  expect(new TextDecoder().decode(await readBytes(store, 's3://open/a', [0, size]))).toBe('public')
})
