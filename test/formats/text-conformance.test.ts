import { gzipSync } from 'node:zlib'
import { describe, it } from 'vitest'
import * as text from '../../src/formats/text.js'
import { type ConformanceObject, formatConformance } from '../../src/testing/format-conformance.js'

const encoder = new TextEncoder()

/** Lines of many lengths, over several blocks of the line index. */
function longer(): string {
  let out = ''
  for (let i = 0; out.length < 3000; i++) out += `${'lorem ipsum '.repeat((i * 7) % 19)}${i}\n`
  return out
}

const samples: Readonly<Record<string, string | Uint8Array>> = {
  'lines.txt': 'one two\nthree\n\nfour five six\n',
  'crlf.txt': 'one two\r\nthree\r\n\r\n\rfour\r\n',
  'utf-8.txt': '\ufeff日本語 テキスト\n🙂🙂 ünïcödé\r\n終\u2028行',
  'no-final-newline.txt': 'alpha beta\ngamma',
  'one-word.txt': 'x'.repeat(120),
  'only-newlines.txt': '\n'.repeat(20),
  'one-byte.txt': 'x',
  'one-newline.txt': '\n',
  'not-utf-8.bin': Uint8Array.of(0x61, 0xff, 0x20, 0x00, 0x0a, 0xe6, 0x97, 0x0a, 0x62),
  'long.txt': longer(),
}

const counts = [1, 2, 7, 40].map((numChunks) => ({ numChunks }))

/** As many members as there are parts. */
function gzip(name: string, ...parts: string[]): ConformanceObject {
  return {
    name,
    bytes: new Uint8Array(Buffer.concat(parts.map((part) => gzipSync(part)))),
    content: encoder.encode(parts.join('')),
    // The compressed bytes from the seek point before the slice; here from the start.
    budget: { requestsPerSlice: 2, overheadBytes: 4096 },
  }
}

const options = {
  objects: [
    ...Object.entries(samples).map(([name, content]) => ({
      name,
      bytes: typeof content === 'string' ? encoder.encode(content) : content,
    })),
    gzip('members.txt.gz', 'one two\nthr', 'ee\n\nfour ', 'five six'),
  ],
  strategies: [
    { strategy: text.wholeWordsStrategy, params: counts },
    {
      // A word that goes on past a short padding costs further requests.
      strategy: text.wholeWordsStrategy,
      params: [{ numChunks: 5, padding: 20 }],
      budget: { requestsPerSlice: 2, overheadBytes: 4096 },
    },
    { strategy: text.partitionNumChunks, params: counts },
    {
      strategy: text.partitionChunkSize,
      params: [{ chunkSize: 9000 }, { chunkSize: 19 }, { chunkSize: 500 }],
    },
    {
      strategy: text.partitionChunkLines,
      params: [1, 2, 7, 1000].map((linesPerChunk) => ({ linesPerChunk })),
    },
  ],
  // A padding at one end; or, for exact lines, a block of the line index at each end. A slice in which no
  // line begins reads its planned bytes and delivers none.
  budget: { requestsPerSlice: 1, overheadBytes: 1024 },
}

describe('text', () => {
  // Worker threads need built files: test/plugin runs them.
  for (const { name, run } of formatConformance(text.UTF8Text, { ...options, threads: false })) it(name, run)
})
