import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, test } from 'vitest'
import { httpStore } from '../../src/storage/http.js'
import { openStorage } from '../../src/storage/index.js'
import { s3Store } from '../../src/storage/s3.js'
import type { ReadableStore } from '../../src/storage/store.js'
import { presign } from '../../src/testing/s3-server/index.js'
import { type StoreUnderTest, storeConformance } from '../../src/testing/store-conformance.js'
import { type S3Target, sdkClient } from './client.js'

/** An empty bucket of its own, filled by the bare SDK and read by the store. */
async function inBucket(
  target: S3Target,
  store: ReadableStore & Partial<AsyncDisposable>,
  uri: (bucket: string, key: string) => string,
): Promise<StoreUnderTest> {
  const s3 = sdkClient(target)
  const bucket = `conformance-${randomUUID()}`
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    store,
    uri: (key) => uri(bucket, key),
    put: async (Key, Body) => void (await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
    async close() {
      await store[Symbol.asyncDispose]?.()
      s3.destroy()
    },
  }
}

/** One URL for one key, as a store's users have it: signed again a second later, it would be another. */
function signer({ endpoint, credentials }: S3Target): (bucket: string, key: string) => string {
  const time = Date.now()
  return (bucket, key) => presign({ endpoint, credentials, bucket, key, time })
}

/** The store suite over every way that leads to an S3 server. */
export function s3Stores(name: string, open: () => Promise<S3Target & { close(): Promise<void> }>): void {
  const s3Uri = (bucket: string, key: string) => `s3://${bucket}/${key}`
  const config = ({ endpoint, credentials }: S3Target) => ({ endpoint, credentials, region: 'us-east-1' })
  const ways: [string, (target: S3Target) => Promise<StoreUnderTest>][] = [
    ['s3Store', (target) => inBucket(target, s3Store(config(target)), s3Uri)],
    ['openStorage', (target) => inBucket(target, openStorage({ s3: config(target) }), s3Uri)],
    ['presigned URLs', (target) => inBucket(target, httpStore(), signer(target))],
  ]
  describe.each(ways)(`stores on ${name}: %s`, (_, make) => {
    const suite = storeConformance(async () => {
      const target = await open()
      const subject = await make(target)
      return {
        ...subject,
        async close() {
          await subject.close?.()
          await target.close()
        },
      }
    })
    for (const { name, run } of suite) test(name, run)
  })
}
