import { expect, test } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { Slice } from '../../src/cloud/slice.js'
import { partitionChunkLines, UTF8Text } from '../../src/formats/text.js'
import { blobStore } from '../../src/storage/blob.js'

const text = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('')
const blob = new Blob([text])

test('a Blob is preprocessed too: its index is kept in memory', async () => {
  const object = await CloudObject.open(UTF8Text, blob)
  expect(object.isPreprocessed()).toBe(false)
  await object.preprocess({ chunkSize: 1000 })
  expect(object.attributes).toEqual({ totalLines: 1000, endsWithNewline: true })
  const slices = await object.partition(partitionChunkLines, { linesPerChunk: 300 })
  const lines = await Promise.all(slices.map(async (slice) => (await slice.get()).split('\n').length - 1))
  expect(lines).toEqual([300, 300, 300, 100])
  await object.clean()
  expect(object.isPreprocessed()).toBe(false)
})

test('its slices are revived over the same Blob', async () => {
  const object = await CloudObject.open(UTF8Text, blob)
  await object.preprocess()
  const slices = await object.partition(partitionChunkLines, { linesPerChunk: 300 })
  const revived = slices.map((slice) =>
    Slice.fromJSON<string>(JSON.stringify(slice), { store: blobStore(blob) }),
  )
  expect((await Promise.all(revived.map((slice) => slice.get()))).join('')).toBe(text)
})

test('opening it again starts anew, and no other place can be named', async () => {
  await (await CloudObject.open(UTF8Text, blob)).preprocess()
  expect((await CloudObject.open(UTF8Text, blob)).isPreprocessed()).toBe(false)
  await expect(CloudObject.open(UTF8Text, blob, { metadata: 's3://b/' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
})
