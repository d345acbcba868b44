import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import type { CsvHeader } from '../../src/formats/csv.js'
import * as csv from '../../src/formats/csv.js'
import type { JsonObject } from '../../src/formats/format.js'
import { type ConformanceObject, formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'

const encoder = new TextEncoder()

/** Rows over several blocks of the index, with line ends and separators in quotes everywhere. */
function longer(): string {
  let out = 'id,"name, full",text\n'
  for (let i = 0; out.length < 3000; i++) {
    out += `${i},"n ""${i}""","${'line\n,'.repeat((i * 7) % 23)}"\n`
    if (i % 9 === 0) out += `${i},plain,${'x'.repeat((i * 37) % 600)}\n`
  }
  return out
}

const samples: Readonly<Record<string, string>> = {
  'quoted.csv': 'a,b\n1,"x\ny"\n2,"say ""hi"""\n"3",""\n4,"\n"\n',
  'semicolons.csv': '"a;1";b\n1;2\n3;4\n',
  'crlf.csv': 'a,b\r\n1,"x\r\ny"\r\n2,\r\n',
  'cr.csv': 'a,b\r1,"x\ry"\r2,3\r',
  'mark.csv': '\ufeff"a",b\n1,2\n3,4\n',
  'no-final-newline.csv': 'a,b\n1,2\n3,"4"',
  'blank-lines.csv': '\n\na,b\n\n1,2\n\r\n\n3,4\n\n\n',
  'stray-quotes.csv': 'a,b\n5" pipe,6" hose\nx"y,"z"\n7,8\n',
  'header-only.csv': 'a,b,c\n',
  'one-column.csv': 'a\n1\n""\n3\n',
  'wide.tsv': `${Array.from({ length: 40 }, (_, i) => `c${i}`).join('\t')}\n${`${'x\t'.repeat(39)}y\n`.repeat(4)}`,
  'longer.csv': longer(),
}

const withOptions: readonly (readonly [name: string, text: string, options: JsonObject])[] = [
  ['comments.csv', '# one, "two\na,b\n#x\n1,2\n# "\n3,"#4"\n', { comment: '#' }],
  ['escapes.csv', 'a,b\n"x\\"\n,",2\n"\\\\",3\n', { escape: '\\' }],
  ['headerless.csv', '1,2\n3,"4\n5"\n', { header: false }],
  ['ragged.csv', 'a,b\n1\n2,3,4\n5,6\n', { ragged: 'allow' }],
]

/** The compressed bytes from the seek point before the slice; here from the start. */
const compressed = { requestsPerSlice: 2, overheadBytes: 4096 }

function gzip(name: string, ...parts: string[]): ConformanceObject {
  return {
    name,
    bytes: new Uint8Array(Buffer.concat(parts.map((part) => gzipSync(part)))),
    content: encoder.encode(parts.join('')),
    budget: compressed,
  }
}

const counts = [1, 2, 7, 40]

const options = {
  objects: [
    ...Object.entries(samples).map(([name, text]) => ({ name, bytes: encoder.encode(text) })),
    ...withOptions.map(([name, text, formatOptions]) => ({
      name,
      bytes: encoder.encode(text),
      formatOptions,
    })),
    gzip('members.csv.gz', 'a,b\n1,"x', '\ny"\n2,"q""', '"\n3,4'),
    gzip('longer.csv.gz', longer()),
    {
      name: 'longer.csv.bgz',
      bytes: new Uint8Array(bgzf(encoder.encode(longer()), 700)),
      content: encoder.encode(longer()),
      budget: compressed,
    },
  ],
  strategies: [
    { strategy: csv.partitionNumChunks, params: counts.map((numChunks) => ({ numChunks })) },
    { strategy: csv.partitionChunkSize, params: [9000, 19, 500].map((chunkSize) => ({ chunkSize })) },
    {
      strategy: csv.partitionChunkRows,
      params: [
        { rowsPerChunk: 1 },
        { rowsPerChunk: 3 },
        { rowsPerChunk: 3, strategy: 'merge' },
        { rowsPerChunk: 1000, strategy: 'merge' },
      ],
    },
  ],
  // A block of the row index at each end.
  budget: { requestsPerSlice: 1, overheadBytes: 1024 },
  /** Without the header that every slice but the first repeats. */
  body: (bytes: Uint8Array, { data }: { readonly data: JsonObject }) =>
    data.lead === undefined && data.header
      ? bytes.subarray((data.header as CsvHeader).range[1] - (data.header as CsvHeader).range[0])
      : bytes,
}

describe('csv', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(csv.CSV, { ...options, threads: false })) it(name, run)
})
