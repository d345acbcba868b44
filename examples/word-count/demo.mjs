// npm run demo                        a real text on the embedded S3 server
// npm run demo -- FILE|s3://…|https://…   a text of your own
//
// Cuts a text by whole words, counts the words of the slices in worker threads, and checks the sum against
// a count made in one thread without dataplug's slices.
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { CloudObject, map, threads, verifyTiling } from 'dataplug'
import { UTF8Text, wholeWordsStrategy } from 'dataplug/formats/text'
import { openStorage } from 'dataplug/storage'
import { count } from './count-words.mjs'

// The SDK's advice on versions of Node, once for each thread, would hide the result. It looks when it is loaded first.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const MiB = 1024 * 1024
const say = (text = '') => process.stdout.write(`${text}\n`)
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(2)} s`

const [own] = process.argv.slice(2)
const { location, storage, server } = own ? { location: own, storage: {} } : await upload(realText(64 * MiB))
try {
  await run(location, storage, server)
} finally {
  await server?.close()
}

async function run(location, storage, server) {
  const object = await CloudObject.open(UTF8Text, location, { storage })
  const numChunks = Math.max(8, Math.ceil(object.size / (8 * MiB)))
  say(`object      ${object.uri}  ${(object.size / MiB).toFixed(1)} MiB`)

  let started = performance.now()
  const slices = await object.partition(wholeWordsStrategy, { numChunks })
  say(
    `partition   ${slices.length} slices by whole words in ${(performance.now() - started).toFixed(1)} ms, without reading the object`,
  )

  const before = server?.requests.length ?? 0
  started = performance.now()
  const size = availableParallelism()
  const pool = threads({ size })
  const results = await map(pool, slices, new URL('./count-words.mjs', import.meta.url))
  await pool[Symbol.asyncDispose]()
  say(`count       ${size} worker threads, each fetching its own slices: ${seconds(started)}`)

  const delivered = results.reduce((sum, { bytes }) => sum + bytes, 0)
  if (server) {
    const gets = server.requests.slice(before).filter(({ method }) => method === 'GET')
    const fetched = gets.reduce((sum, { bytes }) => sum + bytes, 0)
    say(`requests    ${gets.length} ranged GETs for ${slices.length} slices`)
    say(`bytes       ${fetched} fetched / ${delivered} delivered = ${(fetched / delivered).toFixed(6)}`)
  } else {
    say(`bytes       ${delivered} delivered`)
  }

  started = performance.now()
  const { faults } = await verifyTiling(slices)
  if (faults.length > 0) throw new Error(`the slices do not tile the object: ${JSON.stringify(faults[0])}`)
  say(`verify      nothing lost, nothing twice: proven from the slices' edges in ${seconds(started)}`)

  started = performance.now()
  const expected = await countWhole(storage, object)
  say(`check       one thread counts the whole text: ${seconds(started)}`)
  const total = sum(results.map(({ counts }) => counts))
  assertEqual(total, expected)

  say('\npartition map')
  const widest = Math.max(...results.map(({ bytes }) => bytes), 1)
  for (const [i, { bytes, counts }] of results.entries()) {
    const bar = '█'.repeat(Math.round((bytes / widest) * 40)).padEnd(40, '·')
    say(
      `  ${String(i).padStart(4)} ${bar} ${String(bytes).padStart(10)} B ${String(words(counts)).padStart(8)} words`,
    )
  }
  say('\nmost frequent words')
  const top = [...total].sort((a, b) => b[1] - a[1]).slice(0, 8)
  for (const [word, times] of top) say(`  ${String(times).padStart(9)}  ${word}`)
  say(
    `\nOK: ${words(total)} words, ${total.size} different; the sum over slices equals the single-threaded count`,
  )
}

async function upload(bytes) {
  const { startS3Server } = await import('dataplug/testing')
  const credentials = { accessKeyId: 'demo', secretAccessKey: 'demo-secret' }
  const server = await startS3Server({ credentials, buckets: ['testdata'] })
  say(`server      embedded S3 at ${server.endpoint}`)
  const storage = { s3: { endpoint: server.endpoint, region: 'us-east-1', credentials } }
  const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
  const client = new S3Client({ ...storage.s3, forcePathStyle: true })
  await client.send(new PutObjectCommand({ Bucket: 'testdata', Key: 'real text.txt', Body: bytes }))
  client.destroy()
  return { location: 's3://testdata/real text.txt', storage, server }
}

/** Documentation, licences, declarations and sources that lie below node_modules, at least `size` bytes of them. */
function realText(size) {
  const root = join(import.meta.dirname, '../../node_modules')
  const kinds = [/\.(md|txt)$|licen[cs]e|notice/i, /\.d\.[cm]?ts$/, /\.[cm]?js$/, /\.(ts|map|json)$/]
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
  const texts = []
  let length = 0
  for (const kind of kinds) {
    for (const file of files.filter((name) => kind.test(name))) {
      if (length >= size) return Buffer.concat(texts)
      const text = readFileSync(file)
      texts.push(text)
      length += text.length
    }
  }
  if (length < 50 * MiB) throw new Error(`only ${length} bytes of text below ${root}; run npm ci first`)
  return Buffer.concat(texts)
}

/** Counts the whole object in one pass and without slices: a file read by Node, else one plain read of the store. */
async function countWhole(storage, { uri, size }) {
  const whole = uri.startsWith('file:')
    ? createReadStream(new URL(uri))
    : openStorage(storage).read(uri, [0, size])
  const decoder = new TextDecoder()
  const counts = []
  let open = ''
  for await (const chunk of whole) {
    open += decoder.decode(chunk, { stream: true })
    let end = open.length
    while (end > 0 && !' \t\n\v\f\r'.includes(open[end - 1])) end--
    counts.push(count(open.slice(0, end)))
    open = open.slice(end)
  }
  return sum([...counts, count(open + decoder.decode())])
}

function sum(maps) {
  const total = new Map()
  for (const counts of maps)
    for (const [word, times] of counts) total.set(word, (total.get(word) ?? 0) + times)
  return total
}

function words(counts) {
  let total = 0
  for (const times of counts.values()) total += times
  return total
}

function assertEqual(actual, expected) {
  if (actual.size !== expected.size)
    throw new Error(`${actual.size} different words, expected ${expected.size}`)
  for (const [word, times] of expected) {
    if (actual.get(word) !== times)
      throw new Error(`"${word}" counted ${actual.get(word)} times, expected ${times}`)
  }
}
