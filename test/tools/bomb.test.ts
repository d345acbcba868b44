import { constants, crc32, deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { UTF8Text } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'
import { sideBySide } from '../compression/objects.js'

// Here, because it takes some ten seconds for each: the unit tests have small ones.

const BLOCK = 64 << 20
const BLOCKS = 160
const SIZE = BLOCK * BLOCKS

/** One member of 10 GiB of zero bytes: 10 MiB, since deflate makes a thousand of one at best. */
function bomb(): Uint8Array {
  const zeros = new Uint8Array(BLOCK)
  // Ends at a byte and not with a final block, so that any number of it can follow each other.
  const block = deflateRawSync(zeros, { finishFlush: constants.Z_SYNC_FLUSH })
  let crc = 0
  for (let i = 0; i < BLOCKS; i++) crc = crc32(zeros, crc)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc)
  trailer.writeUInt32LE(SIZE % 2 ** 32, 4)
  const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
  return Buffer.concat([header, ...Array(BLOCKS).fill(block), Uint8Array.of(3, 0), trailer])
}

test.each([
  ['in one pass', undefined],
  ['in chunks that do not know each other', sideBySide],
])('10 GiB of zeros in 10 MiB are indexed %s, in bounded memory', async (_, executor) => {
  const bytes = bomb()
  expect(bytes.length).toBeLessThan(12 << 20)
  const object = await CloudObject.open(UTF8Text, 'memory:bomb.gz', {
    store: memoryStore({ 'memory:bomb.gz': bytes }),
  })
  const before = process.resourceUsage().maxRSS
  await object.preprocess({ executor, chunkSize: 4 << 20 })
  expect(object.attributes).toEqual({ totalLines: 1, endsWithNewline: false })
  expect(object.index().header.compression).toMatchObject({ size: SIZE })
  // In KiB. The decoder alone has 4 MiB for each chunk under way.
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 << 10)
})
