import { mkdir, mkdtemp, readdir, readFile, rm, writeFile as write } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { useFiles } from '../../src/cloud/files.js'
import type { Slice } from '../../src/cloud/slice.js'
import { DataplugError } from '../../src/errors.js'
import { GZipText, partitionNumChunks } from '../../src/formats/gzip-text.js'
import { memoryStore } from '../../src/storage/memory.js'
import type { ReadableStore } from '../../src/storage/store.js'
import { writeFile } from '../../src/storage/write-file.js'
import { makeText } from '../compression/objects.js'

const content = makeText(3, 300_000)

async function slices(
  wrap: (store: ReadableStore) => ReadableStore = (store) => store,
): Promise<Slice<string[]>[]> {
  const store = memoryStore({ 'memory:t.gz': gzipSync(content) })
  await (await CloudObject.open(GZipText, 'memory:t.gz', { store })).preprocess({ span: 64 << 10 })
  const object = await CloudObject.open(GZipText, 'memory:t.gz', { store: wrap(store) })
  return object.partition(partitionNumChunks, { numChunks: 3 })
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataplug-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('slice.toFile', () => {
  it('is refused where there are no files', async () => {
    const [slice] = await slices()
    await expect(slice?.toFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    useFiles(writeFile)
  })

  it('writes the bytes of the slice, into missing folders, over what was there, and leaves nothing else', async () => {
    const parts: Buffer[] = []
    const target = join(folder, 'new', 'deep')
    for (const slice of await slices()) {
      const path = join(target, `part ${slice.id}`)
      await slice.toFile(slice.id === 1 ? pathToFileURL(path) : path)
      await slice.toFile(path)
      parts.push(await readFile(path))
      expect(parts.at(-1)?.equals(await slice.bytes())).toBe(true)
    }
    expect(Buffer.concat(parts).equals(content)).toBe(true)
    expect(await readdir(target)).toEqual(['part 0', 'part 1', 'part 2'])
  })

  it('keeps what was there when reading fails or is aborted, and leaves no half file', async () => {
    const path = join(folder, 'kept', 'file')
    await mkdir(join(folder, 'kept'))
    await write(path, 'kept')
    const failing = await slices((store) => ({
      ...store,
      async *read(uri, range, options) {
        for await (const piece of store.read(uri, range, options)) {
          if (uri === 'memory:t.gz' && range[1] - range[0] > 18) {
            yield piece.subarray(0, piece.length >> 1)
            throw new DataplugError('NETWORK', 'lost on purpose', { uri })
          }
          yield piece
        }
      },
    }))
    await expect(failing[1]?.toFile(path)).rejects.toMatchObject({ code: 'NETWORK' })
    const reason = new Error('aborted on purpose')
    const [slice] = await slices()
    await expect(slice?.toFile(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await readFile(path, 'utf8')).toBe('kept')
    expect(await readdir(join(folder, 'kept'))).toEqual(['file'])
  })

  it('refuses a folder', async () => {
    const [slice] = await slices()
    await expect(slice?.toFile(folder)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})
