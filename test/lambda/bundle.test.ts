import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildFromParts } from '../../src/cloud/preprocess.js'
import { parseResult, type ResultLine } from '../../src/cloud/result.js'
import { planTasks } from '../../src/cloud/task.js'
import {
  partitionChunkLines,
  partitionNumChunks,
  UTF8Text,
  wholeWordsStrategy,
} from '../../src/formats/text.js'
import { CloudObject } from '../../src/index.js'
import { createHandler } from '../../src/lambda.js'
import type { StorageConfig } from '../../src/storage/config.js'
import { openStorage } from '../../src/storage/index.js'
import { type S3Server, startS3Server } from '../../src/testing/s3-server/server.js'
import { bareFolder, bundlePath, invoke } from './bare.js'

const COMPRESSED_BUDGET = 1_000_000

const lines = Array.from({ length: 4000 }, (_, i) => `${i} naïve “words” of line ${'x'.repeat(i % 97)}`)
const text = `${lines.join('\n')}\n`
const bytes = new TextEncoder().encode(text)

let folder: string
beforeAll(async () => {
  folder = await bareFolder()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown
const textOf = (answer: unknown) => (answer as { ok: { value: string } }).ok.value

test(`the bundle takes at most ${COMPRESSED_BUDGET} bytes compressed`, () => {
  const bundle = readFileSync(bundlePath)
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(COMPRESSED_BUDGET)
})

test('the bundle imports nothing but modules of Node', async () => {
  const { metafile } = await build({
    entryPoints: [bundlePath],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
    outdir: 'nowhere',
    logLevel: 'silent',
  })
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  expect(imported).toContain('node:module')
  expect(imported.filter((name) => !isBuiltin(name))).toEqual([])
})

describe.each(['a file', 'S3'])('from %s, as in this process', (place) => {
  let uri: string
  let object: CloudObject<typeof UTF8Text>
  let storage: StorageConfig
  let environment: Record<string, string>
  let server: S3Server | undefined
  let directory: string | undefined

  beforeAll(async () => {
    if (place === 'S3') {
      server = await startS3Server({ buckets: ['texts'] })
      const { endpoint, credentials } = server
      storage = { s3: { endpoint, credentials, region: 'us-east-1' } }
      environment = {
        AWS_ENDPOINT_URL_S3: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_REGION: 'us-east-1',
      }
      uri = 's3://texts/a b/größe.txt'
      await using store = openStorage(storage)
      await store.write(uri, bytes)
    } else {
      directory = join(tmpdir(), `dataplug-lambda-data-${process.pid}`)
      await writeFile(directory, bytes)
      uri = pathToFileURL(directory).href
      storage = {}
      environment = {}
    }
    object = await CloudObject.open(UTF8Text, uri, { storage })
  })
  afterAll(async () => {
    await object[Symbol.asyncDispose]()
    await server?.close()
    if (directory) {
      await rm(directory, { force: true })
      await rm(`${directory}.dataplug`, { force: true })
    }
  })

  test('tasks: the parts merge to the index of the whole', async () => {
    const tasks = planTasks(UTF8Text, object, 40_000).map(json)
    expect(tasks.length).toBeGreaterThan(2)
    const answers = await invoke(folder, tasks, environment)
    const handler = createHandler({ storage })
    for (const [i, task] of tasks.entries()) expect(answers[i]).toEqual({ ok: json(await handler(task)) })
    const parts = answers.map(
      (answer) => parseResult(JSON.stringify((answer as { ok: ResultLine }).ok)).bytes,
    )
    const { attributes } = await buildFromParts(UTF8Text, object, parts)
    expect(attributes).toMatchObject({ totalLines: lines.length })
  })

  test('slices: their values make the object', async () => {
    await object.preprocess()
    const sets = await Promise.all([
      object.partition(wholeWordsStrategy, { numChunks: 5 }),
      object.partition(partitionNumChunks, { numChunks: 3 }),
      object.partition(partitionChunkLines, { linesPerChunk: 1500 }),
    ])
    const slices = sets.flat()
    const answers = await invoke(folder, slices.map(json), environment)
    const handler = createHandler({ storage })
    for (const [i, slice] of slices.entries()) {
      expect(answers[i]).toEqual({ ok: { value: await slice.get() } })
      expect(answers[i]).toEqual({ ok: json(await handler(json(slice))) })
    }
    let at = 0
    for (const { length } of sets) {
      expect(
        answers
          .slice(at, at + length)
          .map(textOf)
          .join(''),
      ).toBe(text)
      at += length
    }
  })

  test('a line of text is as good an event as an object', async () => {
    const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    expect(await invoke(folder, [JSON.stringify(slice)], environment)).toEqual([{ ok: { value: text } }])
  })

  test('errors come with their code as errorType', async () => {
    const [slice] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    const line = json(slice) as Record<string, unknown>
    const answers = await invoke(
      folder,
      [
        { ...line, etag: '"another"' },
        { ...line, uri: `${uri}-missing` },
        { ...line, format: 'no-such-format' },
        'not a line',
      ],
      environment,
    )
    expect(answers).toMatchObject([
      { errorType: 'OBJECT_CHANGED' },
      { errorType: 'NOT_FOUND' },
      { errorType: 'UNKNOWN_FORMAT' },
      { errorType: 'INVALID_SLICE' },
    ])
  })
})

describe('a response larger than Lambda returns', () => {
  const path = join(tmpdir(), `dataplug-lambda-large-${process.pid}`)
  const large = 'é '.repeat(2_500_000)
  beforeAll(() => writeFile(path, large))
  afterAll(() => rm(path, { force: true }))

  test('is an error that names the object and says what to do; smaller slices work', async () => {
    const object = await CloudObject.open(UTF8Text, path)
    const [whole] = await object.partition(wholeWordsStrategy, { numChunks: 1 })
    const parts = await object.partition(wholeWordsStrategy, { numChunks: 3 })
    const [tooLarge, ...fitting] = await invoke(folder, [whole, ...parts].map(json))
    expect(tooLarge).toMatchObject({ errorType: 'UNSUPPORTED', errorMessage: expect.stringMatching(/6 MB/) })
    expect(tooLarge).toMatchObject({ errorMessage: expect.stringContaining(object.uri) })
    expect(fitting.map(textOf).join('') === large).toBe(true)
  })
})
