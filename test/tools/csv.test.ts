import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { tableToIPC } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { toArrow } from '../../src/arrow.js'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Slice } from '../../src/cloud/slice.js'
import {
  CSV,
  type CsvOptions,
  partitionChunkRows,
  partitionChunkSize,
  partitionNumChunks,
} from '../../src/formats/csv.js'
import { openStorage } from '../../src/storage/index.js'
import { sideBySide } from '../compression/objects.js'
import { oracleRows } from '../formats/csv-oracle.js'
import { output, workFolder } from './programs.js'

// Files of Debian packages, see scripts/test-tools.mjs; read by csv-parse and by pyarrow.

const at = workFolder()
const samples = process.env.DEBIAN_SAMPLES ?? ''
const unicode = 'usr/share/unicode'
const ncbi = 'usr/share/ncbi/data'
const bedtools = 'usr/share/bedtools'
const db = `${bedtools}/test/intersect/sortAndNaming/bigTests/db500K.bed`

const bare = { header: false } as const

const files: readonly (readonly [path: string, options: CsvOptions, dialect: object])[] = [
  [`${unicode}/UnicodeData.txt`, bare, { separator: ';', newline: '\n' }],
  [`${unicode}/emoji/emoji-test.txt`, { ...bare, comment: '#' }, { separator: ';', newline: '\n' }],
  [`${ncbi}/lat_lon_country.txt`, { ...bare, ragged: 'allow' }, { separator: '\t', newline: '\n' }],
  [`${ncbi}/institution_codes.txt`, { ...bare, ragged: 'allow' }, { separator: '\t', newline: '\n' }],
  [`${bedtools}/data/refseq.chr1.exons.bed.gz`, bare, { separator: '\t', newline: '\n' }],
  [`${bedtools}/data/simpleRepeats.chr1.bed.gz`, bare, { separator: '\t', newline: '\n' }],
]

async function open(path: string, formatOptions: CsvOptions) {
  const metadata = `${at(path.replaceAll('/', '_'))}.dataplug`
  const object = await CloudObject.open(CSV, path, { store: openStorage(), metadata })
  await object.preprocess({ executor: sideBySide, chunkSize: 50_000, span: 1 << 16, formatOptions })
  return object
}

function digest(rows: Iterable<unknown>): string {
  const hash = createHash('sha256')
  for (const row of rows) hash.update(`${JSON.stringify(row)}\n`)
  return hash.digest('hex')
}

async function recordsOf(slices: readonly Slice[]): Promise<unknown[]> {
  const records: unknown[] = []
  for (const slice of slices) for await (const record of slice.records()) records.push(record)
  return records
}

describe('rows are those of csv-parse, plain and compressed, however they are cut', () => {
  it.each(files)('%s', async (file, options, dialect) => {
    const original = join(samples, file)
    const stored = await readFile(original)
    const content = file.endsWith('.gz') ? gunzipSync(stored) : stored
    const plain = at(file.replaceAll('/', '_'))
    await writeFile(plain, content)
    const [gz, bgz] = [`${plain}.gz`, `${plain}.bgz`]
    await writeFile(gz, await output('gzip', '-c', plain))
    await writeFile(bgz, await output('bgzip', '-c', plain))
    const expected = oracleRows(content.toString(), { ...options, ...dialect })
    expect(expected.length).toBeGreaterThan(1000)

    for (const path of [plain, gz, bgz]) {
      const object = await open(path, { ...options, dtypes: 'string' })
      const { totalRows, dialect: told } = object.attributes
      expect(told).toMatchObject(dialect)
      expect(totalRows).toBe(expected.length)
      const cuts = [
        await object.partition(partitionNumChunks, { numChunks: 7 }),
        await object.partition(partitionChunkSize, { chunkSize: 100_000 }),
        await object.partition(partitionChunkRows, { rowsPerChunk: Math.ceil(totalRows / 5) }),
      ]
      for (const slices of cuts) {
        const bytes = await Promise.all(slices.map((slice) => slice.bytes()))
        expect(Buffer.concat(bytes).equals(content)).toBe(true)
      }
      expect(digest(await recordsOf(cuts[0] as Slice[]))).toBe(digest(expected))
    }
  })
})

const COMPARE = `
import sys, json, pyarrow as pa, pyarrow.csv as csv
path, separator, texts_can_be_null, *parts = sys.argv[1:]
ours = pa.concat_tables([pa.ipc.open_file(part).read_all() for part in parts])
ours.validate(full=True)
theirs = csv.read_csv(path,
  read_options=csv.ReadOptions(column_names=ours.schema.names),
  parse_options=csv.ParseOptions(delimiter=separator, quote_char=False),
  convert_options=csv.ConvertOptions(column_types=ours.schema, null_values=[''],
    strings_can_be_null=texts_can_be_null == 'yes'))
print(ours.equals(theirs), ours.num_rows, ' '.join(str(field.type) for field in ours.schema))
`

const tables: readonly (readonly [path: string, options: CsvOptions, rows: number, types: string])[] = [
  [
    db,
    { separator: '\t', columns: ['chrom', 'start', 'end', 'name', 'score', 'strand'] },
    500_000,
    'string int64 int64 int64 int64 string',
  ],
  [
    `${unicode}/UnicodeData.txt`,
    {
      separator: ';',
      columns: Array.from({ length: 15 }, (_, i) => `field${i}`),
      dtypes: { field6: 'int', field7: 'int', field12: 'string', field13: 'string', field14: 'string' },
      nullValues: [''],
    },
    34_924,
    'string string string int64 string string int64 int64 string string string string string string string',
  ],
]

describe('Arrow tables of slices are what pyarrow reads from the file', () => {
  it.each(tables)('%s', async (file, options, rows, types) => {
    const path = join(samples, file)
    const object = await open(path, { ...bare, ...options })
    expect(object.attributes.totalRows).toBe(rows)
    const parts: string[] = []
    for (const slice of await object.partition(partitionNumChunks, { numChunks: 5 })) {
      const part = at(`part-${slice.id}.arrow`)
      await writeFile(part, tableToIPC(await toArrow(slice), 'file'))
      parts.push(part)
    }
    const textsCanBeNull = options.nullValues ? 'yes' : 'no'
    const answer = await python(COMPARE, path, options.separator ?? '', textsCanBeNull, ...parts)
    expect(answer.trim()).toBe(`True ${rows} ${types}`)
  })
})

async function python(script: string, ...args: readonly string[]): Promise<string> {
  return (
    await output('/usr/bin/env', `PYTHONPATH=${process.env.PYARROW ?? ''}`, 'python3', '-c', script, ...args)
  ).toString()
}
