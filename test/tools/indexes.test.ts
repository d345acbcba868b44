import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { exportGzipIndex, importGzipIndex } from '../../src/cloud/gzip-interop.js'
import { partitionChunkLines, partitionNumChunks } from '../../src/formats/text.js'
import { contentOf, sideBySide } from '../compression/objects.js'
import { makeFastq, openText, output, workFolder } from './programs.js'

const SPAN = 1 << 20
const content = makeFastq(7_000_000)
const middle = 2_900_000
const at = workFolder()

const offsets = [0, 1, 65_280, 1_234_567, middle, middle + 1, 4_000_000, content.length - 1]

beforeAll(async () => {
  await writeFile(at('plain'), content)
  await writeFile(at('one.gz'), await output('gzip', '-6', '-c', at('plain')))
  await writeFile(at('a'), content.subarray(0, middle))
  await writeFile(at('b'), content.subarray(middle))
  const members = [await output('gzip', '-9', '-c', at('a')), await output('gzip', '-1', '-c', at('b'))]
  await writeFile(at('two.gz'), Buffer.concat(members))
  await writeFile(at('blocks.gz'), await output('bgzip', '-c', at('plain')))
})

const objects = ['one.gz', 'two.gz', 'blocks.gz'] as const

async function exported(name: string, kind: Parameters<typeof exportGzipIndex>[1]): Promise<Uint8Array> {
  const object = await openText(at(name))
  await object.preprocess({ span: SPAN })
  return exportGzipIndex(object, kind)
}

/** Indexes with what another program wrote, and reads everything. */
async function readBy(name: string, kind: Parameters<typeof importGzipIndex>[1], bytes: Uint8Array) {
  const object = await openText(at(name))
  await object.clean()
  await importGzipIndex(object, kind, bytes, { executor: sideBySide, chunkSize: 500_000 })
  expect(object.attributes).toEqual({
    totalLines: content.filter((byte) => byte === 10).length,
    endsWithNewline: true,
  })
  for (const slices of [
    await object.partition(partitionNumChunks, { numChunks: 7 }),
    await object.partition(partitionChunkLines, { linesPerChunk: 4_000 }),
  ]) {
    expect((await contentOf(slices)).equals(content)).toBe(true)
  }
  await object.clean()
}

/** Python code that reads at offsets through indexed_gzip. */
const indexedGzip = (...args: readonly string[]) =>
  output(
    'python3',
    '-c',
    `import sys
sys.path.insert(0, sys.argv[1])
import indexed_gzip
what, path, index = sys.argv[2:5]
if what == 'build':
    with indexed_gzip.IndexedGzipFile(path, spacing=1 << 20) as f:
        f.build_full_index()
        f.export_index(index)
else:
    with indexed_gzip.IndexedGzipFile(path, auto_build=False) as f:
        f.import_index(index)
        for offset in map(int, sys.argv[5:]):
            f.seek(offset)
            sys.stdout.buffer.write(f.read(1000))
`,
    process.env.INDEXED_GZIP ?? '',
    ...args,
  )

describe.each(objects)('%s', (name) => {
  it('gztool reads it by our index, at any byte and line', async () => {
    await writeFile(at('ours.gzi'), await exported(name, 'gztool'))
    for (const offset of offsets) {
      const read = await output('gztool', '-v0', '-b', String(offset), '-I', at('ours.gzi'), at(name))
      expect(read.equals(content.subarray(offset)), `byte ${offset}`).toBe(true)
    }
    const lines = content.toString('latin1').split('\n')
    for (const line of [1, 2, 5_000, lines.length - 1]) {
      const read = await output('gztool', '-v0', '-L', String(line), '-I', at('ours.gzi'), at(name))
      expect(read.toString('latin1') === lines.slice(line - 1).join('\n'), `line ${line}`).toBe(true)
    }
  })

  it.each([
    ['with line numbers', '-x'],
    ['without line numbers', '-z'],
  ])('we read it by an index of gztool %s', async (_, flag) => {
    await rm(at('theirs.gzi'), { force: true })
    await output('gztool', '-v0', '-s', '1', flag, '-i', '-I', at('theirs.gzi'), at(name))
    await readBy(name, 'gztool', await readFile(at('theirs.gzi')))
  })

  it('indexed_gzip reads it by our index', async () => {
    await writeFile(at('ours.gzidx'), await exported(name, 'indexed_gzip'))
    const read = await indexedGzip('read', at(name), at('ours.gzidx'), ...offsets.map(String))
    expect(read.equals(Buffer.concat(offsets.map((offset) => content.subarray(offset, offset + 1000))))).toBe(
      true,
    )
  })

  it('we read it by an index of indexed_gzip', async () => {
    await indexedGzip('build', at(name), at('theirs.gzidx'))
    await readBy(name, 'indexed_gzip', await readFile(at('theirs.gzidx')))
  })
})

describe('blocks.gz', () => {
  it('has the .gzi that bgzip makes, and bgzip reads by it', async () => {
    const ours = Buffer.from(await exported('blocks.gz', 'gzi'))
    await copyFile(at('blocks.gz'), at('theirs.gz'))
    await output('bgzip', '-r', at('theirs.gz'))
    expect(ours.equals(await readFile(at('theirs.gz.gzi')))).toBe(true)
    await writeFile(at('blocks.gz.gzi'), ours)
    for (const offset of offsets) {
      const read = await output('bgzip', '-b', String(offset), '-s', '777', '-c', at('blocks.gz'))
      expect(read.equals(content.subarray(offset, offset + 777)), `byte ${offset}`).toBe(true)
    }
  })

  it('we read it by the .gzi of bgzip', async () => {
    await copyFile(at('blocks.gz'), at('theirs.gz'))
    await output('bgzip', '-r', at('theirs.gz'))
    await readBy('blocks.gz', 'gzi', await readFile(at('theirs.gz.gzi')))
  })
})
