import type { S3Target } from './client.js'

/** The server that `npm run test:s3` has started. */
export function realS3(): S3Target {
  const { AWS_ENDPOINT_URL_S3: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  if (!endpoint || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error('no real S3 server: run these tests by `npm run test:s3`')
  }
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  return { endpoint, credentials, checksums: 'WHEN_REQUIRED' }
}
