import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CloudObject, inline, Slice } from 'dataplug'
import { memoryStore } from 'dataplug/storage'
import { formatConformance } from 'dataplug/testing'
import { Mbox, partitionMessages, partitionNumChunks } from 'dataplug-mbox'

const encode = (text) => new TextEncoder().encode(text)

const archive = [
  'From a@example.org Thu Jan  1 00:00:00 2026\nSubject: one\n\nhello\n',
  '',
  'From b@example.org Thu Jan  1 00:00:01 2026\nSubject: two\n folded\nTo: c\n\n>From here on, quoted.\nFrom is no start here.\n',
  '',
  'From c@example.org Thu Jan  1 00:00:02 2026\n\nno headers\n\nFrom',
  '',
  'From d@example.org Thu Jan  1 00:00:03 2026\nSubject: last, no newline\n\nbye',
].join('\n')

const many = Array.from(
  { length: 40 },
  (_, i) => `From x${i} now\nNumber: ${i}\n\n${'lorem ipsum\n'.repeat((i * 13) % 31)}\n`,
).join('')

const tests = formatConformance(Mbox, {
  objects: [
    { name: 'archive.mbox', bytes: encode(archive) },
    { name: 'crlf.mbox', bytes: encode(archive.replaceAll('\n', '\r\n')) },
    { name: 'one.mbox', bytes: encode('From a b\n') },
    { name: 'minimal.mbox', bytes: encode('From \n\nFrom \n\n\nFrom \r\n\r\nFrom ') },
    { name: 'many.mbox', bytes: encode(many) },
    {
      // The format never learns that its object is compressed.
      name: 'archive.mbox.gz',
      bytes: new Uint8Array(gzipSync(archive)),
      content: encode(archive),
      budget: { requestsPerSlice: 1, overheadBytes: 1024 },
    },
  ],
  strategies: [
    {
      strategy: partitionMessages,
      params: [1, 2, 7, 100].map((messagesPerSlice) => ({ messagesPerSlice })),
    },
    { strategy: partitionNumChunks, params: [1, 2, 7, 100].map((numChunks) => ({ numChunks })) },
  ],
  // Slices are exact ranges: one request and not a byte more.
  budget: { requestsPerSlice: 1, overheadBytes: 0 },
})
for (const { name, run } of tests) test(name, run)

const open = async (text) => {
  const store = memoryStore({ 'memory:a.mbox': encode(text) })
  const object = await CloudObject.open(Mbox, 'memory:a.mbox', { store })
  await object.preprocess({ executor: inline() })
  return { object, store }
}

test('attributes and records are those of the archive', async () => {
  const { object } = await open(archive)
  const texts = archive.split(/(?<=\n\n)(?=From )/)
  assert.equal(texts.length, 4)
  assert.deepEqual(object.attributes, {
    totalMessages: 4,
    largestMessage: Math.max(...texts.map(({ length }) => length)),
  })
  const slices = await object.partition(partitionMessages, { messagesPerSlice: 3 })
  assert.equal(slices.length, 2)
  const messages = (await Promise.all(slices.map((slice) => slice.get()))).flat()
  assert.deepEqual(
    messages.map(({ number, envelope }) => [number, envelope.slice(0, 1)]),
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ],
  )
  assert.deepEqual(messages[1].headers, [
    ['Subject', 'two folded'],
    ['To', 'c'],
  ])
  assert.equal(new TextDecoder().decode(messages[3].body), 'bye')
})

test('what is no mail archive is refused', async () => {
  await assert.rejects(open('Dear Sir,\n\nFrom here on'), { code: 'MALFORMED_DATA', offset: 0 })
})

test('a slice line of other data is refused', async () => {
  const { object, store } = await open(archive)
  const [slice] = await object.partition(partitionMessages, { messagesPerSlice: 1 })
  const forged = Slice.fromJSON(
    { ...slice.toJSON(), data: { range: [0, 10_000], messages: [0, 1] } },
    { store },
  )
  await assert.rejects(forged.bytes(), { code: 'INVALID_SLICE' })
})
