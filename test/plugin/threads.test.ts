import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyFormat, AnyStrategy } from '../../src/formats/format.js'
import type { ConformanceObject, formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'

// Worker threads run built files, so this is the one part of the suite that is tested on them.
const built = (path: string) =>
  pathToFileURL(fileURLToPath(new URL(`../../dist/${path}`, import.meta.url))).href
const CHECK = 'worker threads give what one thread gives'

let folder: string
let suite: typeof formatConformance
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataplug-plugin-'))
  suite = (await import(/* @vite-ignore */ built('testing/index.js'))).formatConformance
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const sample: ConformanceObject = {
  name: 'a.txt',
  bytes: new TextEncoder().encode('one two\nthree\nfour five\n'.repeat(20)),
}

async function inThreads(
  format: AnyFormat,
  strategy: AnyStrategy,
  params: object,
  ...objects: readonly ConformanceObject[]
): Promise<void> {
  if (objects.length === 0) return inThreads(format, strategy, params, sample)
  const budget = { requestsPerSlice: 1, overheadBytes: 1024 }
  const tests = suite(format, { objects, strategies: [{ strategy, params: [params] }], budget })
  await tests.find(({ name }) => name === CHECK)?.run()
}

/** A plugin in a file of its own, which counts bytes; `scan` is its body. */
async function plugin(
  name: string,
  scan: string,
  module = 'import.meta.url',
): Promise<{ readonly format: AnyFormat; readonly all: AnyStrategy }> {
  const path = join(folder, `${name}.mjs`)
  const code = `
    import { isMainThread } from 'node:worker_threads'
    import { defineFormat, defineStrategy } from ${JSON.stringify(built('plugin.js'))}
    let seen = 0
    export const format = defineFormat({
      name: '${name}', version: 1, module: ${module},
      async scan(chunk) { let bytes = 0; for await (const piece of chunk.stream()) bytes += piece.length; ${scan} },
      merge: (parts) => ({ attributes: { bytes: parts.reduce((sum, part) => sum + part.bytes, 0) } }),
      read: ({ range }, { main }) => ({ bytes: () => main.read(range), extent: async () => range }),
    })
    export const all = defineStrategy(format, 'all', (index) => [{ range: [0, index.size] }])`
  await writeFile(path, code)
  return import(/* @vite-ignore */ pathToFileURL(path).href)
}

describe('conformance in worker threads', () => {
  it('text passes', async () => {
    const text = await import(/* @vite-ignore */ built('formats/text.js'))
    await inThreads(text.UTF8Text, text.partitionChunkLines, { linesPerChunk: 7 })
    await inThreads(text.UTF8Text, text.wholeWordsStrategy, { numChunks: 3 })
  })

  it('FASTQ and gzip text pass', async () => {
    const { FASTQ, partitionReadsBatches } = await import(/* @vite-ignore */ built('formats/fastq.js'))
    const { GZipText, partitionChunkLines } = await import(/* @vite-ignore */ built('formats/gzip.js'))
    const reads = new TextEncoder().encode('@a b\nACGT\n+\n@+II\n@c\nA\n+\n@\n'.repeat(30))
    const compressed = { name: 'a.fq.gz', bytes: new Uint8Array(gzipSync(reads)), content: reads }
    await inThreads(
      FASTQ,
      partitionReadsBatches,
      { numBatches: 7 },
      { name: 'a.fq', bytes: reads },
      compressed,
    )
    await inThreads(GZipText, partitionChunkLines, { linesPerChunk: 31, strategy: 'merge' }, compressed)
  })

  it('CSV passes, with quotes wherever chunks begin', async () => {
    const { CSV, partitionChunkRows, partitionNumChunks } = await import(
      /* @vite-ignore */ built('formats/csv.js')
    )
    const rows = new TextEncoder().encode(`id,text\n${'1,"line\n,""two"""\n2,5" pipe\n'.repeat(40)}`)
    const objects = [
      { name: 'a.csv', bytes: rows },
      { name: 'a.csv.gz', bytes: new Uint8Array(gzipSync(rows)), content: rows },
      { name: 'a.csv.bgz', bytes: new Uint8Array(bgzf(rows, 300)), content: rows },
    ]
    await inThreads(CSV, partitionChunkRows, { rowsPerChunk: 7 }, ...objects)
    await inThreads(CSV, partitionNumChunks, { numChunks: 5 }, ...objects)
  })

  it('a plugin in a file that the library has never seen passes', async () => {
    const { format, all } = await plugin('counted', 'return { bytes }')
    await expect(inThreads(format, all, {})).resolves.toBeUndefined()
  })

  it('a format that behaves otherwise in another thread is caught', async () => {
    const { format, all } = await plugin('homesick', 'return { bytes: isMainThread ? bytes : 0 }')
    await expect(inThreads(format, all, {})).rejects.toThrow(
      /in worker threads gives another index: attribute "bytes" is 0 instead of 480/,
    )
  })

  it('a module that no worker can import is named, with what to do', async () => {
    const { format, all } = await plugin('lost', 'return { bytes }', "'file:///nowhere/lost.mjs'")
    await expect(inThreads(format, all, {})).rejects.toThrow(
      /file:\/\/\/nowhere\/lost.mjs cannot be imported.*"module" must be the import.meta.url/s,
    )
  })
})
