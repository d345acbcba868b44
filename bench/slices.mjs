// Reading 64 MiB slices from the embedded S3 server, against bare ranged downloads of the same bytes by the SDK.
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CloudObject } from 'dataplug'
import { partitionChunkLines, partitionNumChunks, UTF8Text, wholeWordsStrategy } from 'dataplug/formats/text'
import { startS3Server } from 'dataplug/testing'
import { alternate, finish, MiB, machine, median, ratio, report } from './measure.mjs'

const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }

if (process.argv[2] === 'server') {
  const server = await startS3Server({ credentials, buckets: ['bench'] })
  process.on('message', (message) => {
    if (message === 'requests')
      process.send({ requests: server.requests.splice(0).map(({ method, bytes }) => ({ method, bytes })) })
    else process.exit(0)
  })
  process.send({ endpoint: server.endpoint })
} else {
  await main()
}

async function main() {
  console.log(`slices of text from S3: ${machine()}`)
  // A process of its own, so that both arms are measured without the server's work.
  const server = fork(new URL(import.meta.url).pathname, ['server'])
  const next = () => new Promise((resolve) => server.once('message', resolve))
  const { endpoint } = await next()
  const requests = async () => {
    const answer = next()
    server.send('requests')
    return (await answer).requests.filter(({ method }) => method === 'GET')
  }
  try {
    const s3 = { endpoint, region: 'us-east-1', credentials }
    const client = new S3Client({ ...s3, forcePathStyle: true })
    const line = Buffer.from(
      'The quick brown fox jumps over the lazy dog, and runs away from what it does not know.\n',
    )
    const body = Buffer.alloc(256 * MiB)
    for (let at = 0; at < body.length; at += line.length) line.copy(body, at)
    await client.send(new PutObjectCommand({ Bucket: 'bench', Key: 'text.txt', Body: body }))

    const object = await CloudObject.open(UTF8Text, 's3://bench/text.txt', { storage: { s3 } })
    await object.preprocess()
    const partitions = {
      wholeWordsStrategy: await object.partition(wholeWordsStrategy, { numChunks: 4 }),
      partitionNumChunks: await object.partition(partitionNumChunks, { numChunks: 4 }),
      partitionChunkLines: await object.partition(partitionChunkLines, {
        linesPerChunk: Math.ceil(object.attributes.totalLines / 4),
      }),
      'wholeWordsStrategy, 1 MiB': await object.partition(wholeWordsStrategy, { numChunks: 256 }),
      'partitionChunkLines, 1 MiB': await object.partition(partitionChunkLines, {
        linesPerChunk: Math.ceil(object.attributes.totalLines / 255),
      }),
    }
    await requests()
    for (const [name, slices] of Object.entries(partitions)) {
      const hash = createHash('sha256')
      for (const slice of slices) hash.update(await slice.bytes())
      if (hash.digest('hex') !== createHash('sha256').update(body).digest('hex'))
        throw new Error(`${name}: slices are not the object`)
      const seen = await requests()
      const fetched = seen.reduce((sum, { bytes }) => sum + bytes, 0)
      report(`${name}: GETs per slice`, seen.length / slices.length, { atMost: 1 })
      report(`${name}: fetched ÷ delivered`, fetched / body.length, { atMost: 1.001 })
    }

    const drain = async (chunks) => {
      let length = 0
      for await (const chunk of chunks) length += chunk.length
      return length
    }
    const arms = {
      dataplug: async () => {
        for (const slice of partitions.wholeWordsStrategy) await drain(slice.chunks())
      },
      sdk: async () => {
        for (let i = 0; i < 4; i++) {
          const { Body } = await client.send(
            new GetObjectCommand({
              Bucket: 'bench',
              Key: 'text.txt',
              Range: `bytes=${i * 64 * MiB}-${(i + 1) * 64 * MiB - 1}`,
            }),
          )
          await drain(Body)
        }
      },
    }
    const times = await alternate(arms, 9)
    report('throughput ÷ bare SDK', ratio(times.sdk, times.dataplug), {
      atLeast: 0.85,
      detail: `${(256 / median(times.dataplug)).toFixed(0)} and ${(256 / median(times.sdk)).toFixed(0)} MiB/s`,
    })
    client.destroy()
  } finally {
    server.send('stop')
  }
  finish()
}
