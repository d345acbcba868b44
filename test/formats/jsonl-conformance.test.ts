import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import * as jsonl from '../../src/formats/jsonl.js'
import { formatConformance } from '../../src/testing/format-conformance.js'
import { bgzf } from '../compression/bgzf.js'

const encoder = new TextEncoder()

const long = Array.from({ length: 90 }, (_, i) => `${JSON.stringify({ i, s: 'é'.repeat((i * 37) % 61) })}\n`)
const samples: Readonly<Record<string, string>> = {
  'rows.jsonl': '{"a":1}\n[]\n"x\\ny"\n\n0\n',
  'crlf.jsonl': '{"a":1}\r\n{"a":2}\r\n',
  'no-final-newline.jsonl': '{"a":1}\n{"a":"\u65e5\u672c\u8a9e"}',
  'bom.ndjson': '\ufeff{"a":1}\n{"a":2}\n',
  'one.jsonl': 'true\n',
  'blank.jsonl': '\n\n \n',
  'longer.jsonl': long.join(''),
}
const compressed = { requestsPerSlice: 2, overheadBytes: 4096 }
const rows = encoder.encode(samples['rows.jsonl'])

const options = {
  objects: [
    ...Object.entries(samples).map(([name, content]) => ({ name, bytes: encoder.encode(content) })),
    { name: 'rows.jsonl.gz', bytes: new Uint8Array(gzipSync(rows)), content: rows, budget: compressed },
    { name: 'rows.jsonl.bgz', bytes: new Uint8Array(bgzf(rows, 5)), content: rows, budget: compressed },
  ],
  strategies: [
    { strategy: jsonl.partitionNumChunks, params: [1, 2, 7, 120].map((numChunks) => ({ numChunks })) },
    { strategy: jsonl.partitionChunkSize, params: [9000, 19, 500].map((chunkSize) => ({ chunkSize })) },
    {
      strategy: jsonl.partitionChunkLines,
      params: [
        { linesPerChunk: 1 },
        { linesPerChunk: 3, strategy: 'merge' },
        { linesPerChunk: 1000, strategy: 'merge' },
      ],
    },
  ],
  // The padding, or a block of the line index at each end.
  budget: { requestsPerSlice: 1, overheadBytes: 1024 },
}

describe('jsonl', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(jsonl.JSONLines, { ...options, threads: false }))
    it(name, run)
})
