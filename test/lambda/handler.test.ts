import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UTF8Text, wholeWordsStrategy } from '../../src/formats/text.js'
import { CloudObject, type Slice } from '../../src/index.js'
import { createHandler } from '../../src/lambda.js'

const path = join(tmpdir(), `dataplug-handler-${process.pid}.txt`)
const text = 'one two three\nfour five six\n'
let slices: Slice<string>[]

beforeAll(async () => {
  await writeFile(path, text)
  const object = await CloudObject.open(UTF8Text, path)
  slices = await object.partition(wholeWordsStrategy, { numChunks: 2 })
})
afterAll(() => rm(path, { force: true }))

const events = () => slices.map((slice) => JSON.stringify(slice))

test('a function of one’s own gets each slice, and its result is the response', async () => {
  const handler = createHandler({
    map: async (slice) => ({ id: slice.id, bytes: (await slice.bytes()).length }),
  })
  const answers = await Promise.all(events().map(handler))
  const lengths = await Promise.all(slices.map(async (slice) => (await slice.bytes()).length))
  expect(answers).toEqual(lengths.map((bytes, id) => ({ value: { id, bytes } })))
  expect(lengths.reduce((sum, length) => sum + length)).toBe(text.length)
})

test('bytes come as base64, however many', async () => {
  const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => i * 7)
  const handler = createHandler({ map: () => bytes })
  const answer = (await handler(events()[0])) as { base64: string }
  expect(Buffer.from(answer.base64, 'base64').equals(bytes)).toBe(true)
})

test('an error of the function stays what it is', async () => {
  const failure = new RangeError('no')
  const handler = createHandler({
    map: () => {
      throw failure
    },
  })
  await expect(handler(events()[0])).rejects.toBe(failure)
})

test.each([
  ['nothing', undefined],
  ['a number', 7],
  ['a list', []],
  ['an object of another kind', { Records: [] }],
  ['text that is no JSON', '{"dataplug":1'],
])('%s is no event', async (_, event) => {
  await expect(createHandler()(event)).rejects.toMatchObject({ name: 'INVALID_SLICE' })
})
