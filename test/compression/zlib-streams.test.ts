import { constants, createGzip, type ZlibOptions } from 'node:zlib'
import { expect, it } from 'vitest'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { partitionChunkLines } from '../../src/formats/text.js'
import { contentOf, indexOf, makeText, openGzip, SPAN, sideBySide } from './objects.js'

const content = makeText(31, 150_000)
const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants
const strategies = { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED }
const { Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK } = constants
const flushes = { Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK }

/** Gzip with a flush of that kind after every `every` bytes. */
async function gzip(options: ZlibOptions, flush?: number, every = content.length): Promise<Buffer> {
  const stream = createGzip(options)
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise((resolve) => stream.on('end', resolve))
  for (let at = 0; at < content.length; at += every) {
    stream.write(content.subarray(at, at + every))
    if (flush !== undefined) await new Promise<void>((resolve) => stream.flush(flush, resolve))
  }
  stream.end()
  await ended
  return Buffer.concat(chunks)
}

async function check(stored: Buffer): Promise<void> {
  const whole = await indexOf(stored, inThisThread, stored.length)
  expect((await indexOf(stored, sideBySide, 1)).equals(whole)).toBe(true)
  const object = await openGzip(stored)
  await object.preprocess({ executor: sideBySide, chunkSize: 1, span: SPAN })
  const slices = await object.partition(partitionChunkLines, { linesPerChunk: 1_000 })
  expect((await contentOf(slices)).equals(content)).toBe(true)
}

it.each(Object.entries(strategies))('streams of zlib with %s at every level', async (_, strategy) => {
  for (let level = 0; level <= 9; level++) await check(await gzip({ level, strategy }))
})

it.each(Object.entries(flushes))('streams of zlib with %s now and then', async (_, flush) => {
  for (const [level, every] of [
    [0, 10_000],
    [1, 50_000],
    [6, 3_000],
    [9, 20_000],
  ] as const) {
    await check(await gzip({ level }, flush, every))
  }
})
