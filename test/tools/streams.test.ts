import { readFile, rename, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import { decodeSeekTable } from '../../src/compression/seek-table.js'
import { partitionChunkLines, partitionNumChunks } from '../../src/formats/text.js'
import { contentOf, makeText, sideBySide } from '../compression/objects.js'
import { makeFastq, openText, output, workFolder } from './programs.js'

// Streams of real compressors: indexed by one worker and by three, the index is the same, and slices are the content.

const SPAN = 128 << 10
const at = workFolder()
const contents = {
  fastq: makeFastq(4_000_000),
  words: makeText(17, 3_000_000),
} as const
type Content = keyof typeof contents

/** Compressed by a program that writes to standard output. */
const piped =
  (program: string, ...args: readonly string[]) =>
  (path: string) =>
    output(program, ...args, path)

const compressors: Readonly<Record<string, (path: string) => Promise<Buffer>>> = {
  'gzip -1': piped('gzip', '-1', '-c'),
  'gzip -6': piped('gzip', '-6', '-c'),
  'gzip -9': piped('gzip', '-9', '-c'),
  pigz: piped('pigz', '-p', '2', '-c'),
  'pigz -11': piped('pigz', '-11', '-p', '2', '-I', '1', '-c'),
  'pigz --independent': piped('pigz', '-p', '2', '-b', '64', '-i', '-c'),
  zopfli: piped('zopfli', '--i1', '-c'),
  'libdeflate-gzip -1': piped('libdeflate-gzip', '-1', '-c'),
  'libdeflate-gzip -12': piped('libdeflate-gzip', '-12', '-c'),
  bgzip: piped('bgzip', '-c'),
  'bgzip -l 0': piped('bgzip', '-l', '0', '-c'),
  'igzip -1': piped('igzip', '-1', '-c'),
  'igzip -3': piped('igzip', '-3', '-c'),
  '7z': async (path) => {
    await output('7z', 'a', '-tgzip', '-bd', '-y', `${path}.7z.gz`, path)
    return readFile(`${path}.7z.gz`)
  },
}

/** Expensive ones get less to do. */
const slow = new Set(['pigz -11', 'zopfli'])
const sizeFor = (name: string) => (slow.has(name) ? 1_200_000 : 4_000_000)

beforeAll(async () => {
  for (const [name, content] of Object.entries(contents)) await writeFile(at(name), content)
})

describe.each(Object.keys(compressors))('%s', (name) => {
  it.each(Object.keys(contents) as Content[])('%s', async (of) => {
    const content = contents[of].subarray(0, sizeFor(name))
    await writeFile(at('part'), content)
    await writeFile(at('part.gz'), (await compressors[name]?.(at('part'))) as Buffer)
    expect((await output('gzip', '-dc', at('part.gz'))).equals(content)).toBe(true)

    const object = await openText(at('part.gz'))
    await object.clean()
    await object.preprocess({ executor: inThisThread, chunkSize: 100_000, span: SPAN })
    await rename(at('part.gz.dataplug'), at('one'))
    await object.preprocess({ executor: sideBySide, chunkSize: 300_000, span: SPAN, force: true })
    expect((await readFile(at('one'))).equals(await readFile(at('part.gz.dataplug')))).toBe(true)

    const lines = content.toString('latin1').split('\n')
    const endsWithNewline = lines.at(-1) === ''
    expect(object.attributes).toEqual({
      totalLines: lines.length - (endsWithNewline ? 1 : 0),
      endsWithNewline,
    })
    const table = decodeSeekTable(await object.index().section('gzip-points'), object.uri)
    expect(table.length).toBeGreaterThan(1)
    const linesPerChunk = Math.ceil(lines.length / 9)
    const byLines = await object.partition(partitionChunkLines, { linesPerChunk })
    for (const slices of [await object.partition(partitionNumChunks, { numChunks: 7 }), byLines])
      expect((await contentOf(slices)).equals(content)).toBe(true)
    // The index has no line numbers until gztool makes its own.
    await output('gztool', '-v0', '-s', '1', '-x', '-i', '-f', '-I', at('lines.gzi'), at('part.gz'))
    const third = linesPerChunk * 2
    const fromThird = await output(
      'gztool',
      '-v0',
      '-L',
      String(third + 1),
      '-I',
      at('lines.gzi'),
      at('part.gz'),
    )
    const slice = Buffer.from((await byLines[2]?.bytes()) ?? [])
    expect(fromThird.subarray(0, slice.length).equals(slice)).toBe(true)
  })
})

it('igzip -0 writes a single block, which cannot be cut but is read right', async () => {
  const content = contents.words
  await writeFile(at('single'), content)
  await writeFile(at('single.gz'), await output('igzip', '-0', '-c', at('single')))
  const object = await openText(at('single.gz'))
  await object.preprocess({ executor: sideBySide, chunkSize: 300_000, span: SPAN })
  const slices = await object.partition(partitionNumChunks, { numChunks: 3 })
  expect((await contentOf(slices)).equals(content)).toBe(true)
})
