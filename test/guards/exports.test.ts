import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { built, modules, otherTargets, targets } from './package.js'
import { root } from './sources.js'

test('everything package.json names is built', () => {
  const missing = [...targets.map(({ path }) => path), ...otherTargets].filter(
    (path) => !existsSync(root + path),
  )
  expect(missing).toEqual([])
})

test('every module has types, and they are named first', () => {
  for (const target of targets.filter(({ path }) => /\.m?js$/.test(path))) {
    const place = target.conditions.slice(0, -1).join()
    const types = targets.find(
      ({ name, conditions }) =>
        name === target.name && conditions.at(-1) === 'types' && conditions.slice(0, -1).join() === place,
    )
    expect(types, `${target.name} (${place})`).toBeDefined()
    expect(targets.indexOf(types as typeof target)).toBeLessThan(targets.indexOf(target))
  }
})

const load = async (path: string): Promise<string[]> =>
  Object.keys(await import(/* @vite-ignore */ pathToFileURL(built(path)).href)).sort()

const exported = async (name: string, host: 'node' | 'browser' = 'node'): Promise<string[]> => {
  const module = modules(host).find((candidate) => candidate.name === name)
  if (!module) throw new Error(`package.json exports no ${name}`)
  return load(module.path)
}

// A name that is gone or new shows here first. `npx vitest run test/guards -u` takes the change over.
describe('public names', () => {
  const checked: string[] = []
  const names = (name: string, host: 'node' | 'browser' = 'node') => {
    checked.push(name)
    return exported(name, host)
  }

  test('dataplug', async () => {
    expect(await names('dataplug')).toMatchInlineSnapshot(`
      [
        "CloudObject",
        "DataplugError",
        "Slice",
        "defineFormat",
        "defineStrategy",
        "findFormat",
        "formatNames",
        "inline",
        "isDataplugError",
        "map",
        "threads",
        "verifyTiling",
      ]
    `)
  })

  test('dataplug in a browser: the same without threads', async () => {
    const inNode = await exported('dataplug')
    expect(await names('dataplug', 'browser')).toEqual(inNode.filter((name) => name !== 'threads'))
  })

  test('dataplug/formats/text', async () => {
    expect(await names('dataplug/formats/text')).toMatchInlineSnapshot(`
      [
        "UTF8Text",
        "partitionChunkLines",
        "partitionChunkSize",
        "partitionNumChunks",
        "wholeWordsStrategy",
      ]
    `)
  })

  test('dataplug/formats/gzip', async () => {
    expect(await names('dataplug/formats/gzip')).toMatchInlineSnapshot(`
      [
        "GZipText",
        "partitionChunkLines",
        "partitionChunkSize",
        "partitionNumChunks",
      ]
    `)
  })

  test('dataplug/formats/fasta', async () => {
    expect(await names('dataplug/formats/fasta')).toMatchInlineSnapshot(`
      [
        "FASTA",
        "exportFai",
        "partitionChunksStrategy",
        "partitionRegions",
        "partitionSequences",
      ]
    `)
  })

  test('dataplug/formats/csv', async () => {
    expect(await names('dataplug/formats/csv')).toMatchInlineSnapshot(`
      [
        "CSV",
        "TSV",
        "partitionChunkRows",
        "partitionChunkSize",
        "partitionNumChunks",
      ]
    `)
  })

  test('dataplug/formats/fastq', async () => {
    expect(await names('dataplug/formats/fastq')).toMatchInlineSnapshot(`
      [
        "FASTQ",
        "FASTQGZip",
        "partitionChunkSize",
        "partitionPairs",
        "partitionReadsBatches",
        "partitionSequencesPerChunk",
      ]
    `)
  })

  test('dataplug/formats/jsonl', async () => {
    expect(await names('dataplug/formats/jsonl')).toMatchInlineSnapshot(`
      [
        "JSONLines",
        "partitionChunkLines",
        "partitionChunkSize",
        "partitionNumChunks",
      ]
    `)
  })

  test('dataplug/formats/vcf', async () => {
    expect(await names('dataplug/formats/vcf')).toMatchInlineSnapshot(`
      [
        "VCF",
        "partitionChunkRecords",
        "partitionChunkSize",
        "partitionNumChunks",
        "partitionRegions",
      ]
    `)
  })

  test('dataplug/formats/bam', async () => {
    expect(await names('dataplug/formats/bam')).toMatchInlineSnapshot(`
      [
        "BAM",
        "partitionChunkRecords",
        "partitionNumChunks",
        "partitionRegions",
      ]
    `)
  })

  test('dataplug/formats/parquet', async () => {
    expect(await names('dataplug/formats/parquet')).toMatchInlineSnapshot(`
      [
        "Parquet",
        "partitionNumRows",
        "partitionRowGroups",
      ]
    `)
  })

  test('dataplug/storage', async () => {
    expect(await names('dataplug/storage')).toMatchInlineSnapshot(`
      [
        "basename",
        "blobStore",
        "blobUri",
        "canonicalUri",
        "childUri",
        "collect",
        "contentBytes",
        "countRequests",
        "displayUri",
        "fileStore",
        "httpStore",
        "indexUri",
        "isListable",
        "isWritable",
        "memoryStore",
        "openStorage",
        "parseS3Uri",
        "readBytes",
        "routeStores",
        "s3Store",
        "scheme",
        "siblingUri",
        "withCoalescing",
        "withConcurrencyLimit",
        "withMetrics",
        "withParallelParts",
        "withRetry",
        "writeContent",
      ]
    `)
  })

  test('dataplug/storage in a browser: the same without files and S3', async () => {
    const inNode = await exported('dataplug/storage')
    expect(await names('dataplug/storage', 'browser')).toEqual(
      inNode.filter((name) => name !== 'fileStore' && name !== 's3Store'),
    )
  })

  test('dataplug/plugin', async () => {
    expect(await names('dataplug/plugin')).toMatchInlineSnapshot(`
      [
        "DataplugError",
        "defineFormat",
        "defineStrategy",
        "integer",
        "isDataplugError",
        "isRange",
        "rangeLength",
        "sizePerSlice",
        "sliceCount",
        "splitBySize",
        "splitEvenly",
      ]
    `)
  })

  test('dataplug/compression', async () => {
    expect(await names('dataplug/compression')).toMatchInlineSnapshot(`
      [
        "exportGzipIndex",
        "gzipIndexKinds",
        "importGzipIndex",
      ]
    `)
  })

  test('dataplug/arrow', async () => {
    expect(await names('dataplug/arrow')).toMatchInlineSnapshot(`
      [
        "toArrow",
      ]
    `)
  })

  test('dataplug/wasm', async () => {
    expect(await names('dataplug/wasm')).toMatchInlineSnapshot(`
      [
        "coreModule",
        "countLines",
        "countWords",
        "crc32",
        "createCore",
        "createGunzip",
        "fastqRecordStart",
        "firstLineCut",
        "firstWordCut",
        "init",
        "initSync",
        "isDataplugError",
        "lastLineCut",
        "lastWordCut",
        "lineBlockCounter",
        "linePositions",
        "nthLine",
        "useModule",
        "wordCounter",
        "wordRanges",
      ]
    `)
  })

  test('dataplug/lambda: dataplug in a browser, and the handler', async () => {
    const shared = await exported('dataplug', 'browser')
    expect(await names('dataplug/lambda')).toEqual([...shared, 'createHandler', 'handler'].sort())
  })

  test('dataplug/lambda/bundle: the same as dataplug/lambda', async () => {
    expect(await names('dataplug/lambda/bundle')).toEqual(await exported('dataplug/lambda'))
  })

  test('dataplug/testing', async () => {
    expect(await names('dataplug/testing')).toMatchInlineSnapshot(`
      [
        "formatConformance",
        "presign",
        "sign",
        "startS3Server",
        "storeConformance",
      ]
    `)
  })

  test('no entry point is left out', () => {
    expect([...new Set(checked)].sort()).toEqual([...new Set(modules('node').map(({ name }) => name))].sort())
  })
})
