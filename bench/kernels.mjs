// The kernels of `dataplug/wasm`, from a plain Uint8Array with the copy into WebAssembly included, against
// the best plain JavaScript. Equality is asserted before anything is timed; the arms alternate.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import zlib from 'node:zlib'
import Benchmark from 'benchmark'
import * as wasm from 'dataplug/wasm'
import { finish, MiB, machine, median, ratio, report } from './measure.mjs'

const SIZE = 64 * MiB
const ROUNDS = 3

/** README and licence texts of the installed packages, over and over up to `SIZE` bytes. */
function realText() {
  const root = new URL('../node_modules', import.meta.url).pathname
  const texts = readdirSync(root, { recursive: true })
    .filter(
      (name) =>
        /(readme|licen[cs]e|changelog|history|notice)[^/]*$|\.md$|\.txt$/i.test(name) &&
        !/\.(c|m)?[jt]s$/.test(name),
    )
    .sort()
    .flatMap((name) => {
      try {
        return [readFileSync(join(root, name))]
      } catch {
        return []
      }
    })
  const once = Buffer.concat(texts)
  const text = Buffer.allocUnsafeSlow(SIZE)
  for (let at = 0; at < SIZE; at += once.length) once.copy(text, at)
  return { text, files: texts.length, distinct: once.length }
}

const isSpace = new Uint8Array(256)
for (const byte of [9, 10, 11, 12, 13, 32]) isSpace[byte] = 1

const loops = {
  countLines(buffer) {
    let count = 0
    for (let at = buffer.indexOf(10); at !== -1; at = buffer.indexOf(10, at + 1)) count++
    return count
  },
  linePositions(buffer) {
    let positions = new Uint32Array(1024)
    let count = 0
    for (let at = buffer.indexOf(10); at !== -1; at = buffer.indexOf(10, at + 1)) {
      if (count === positions.length) {
        const larger = new Uint32Array(count * 2)
        larger.set(positions)
        positions = larger
      }
      positions[count++] = at
    }
    return positions.subarray(0, count)
  },
  lineBlocks(buffer) {
    const counts = new Uint16Array(Math.ceil(buffer.length / 512))
    for (let at = buffer.indexOf(10); at !== -1; at = buffer.indexOf(10, at + 1)) counts[at >>> 9]++
    return counts
  },
  // With a table and without branches: twice as fast as comparing and branching.
  countWords(buffer) {
    let count = 0
    let before = 1
    for (let i = 0; i < buffer.length; i++) {
      const space = isSpace[buffer[i]]
      count += before & (space ^ 1)
      before = space
    }
    return count
  },
  wordRanges(buffer) {
    let ranges = new Uint32Array(1024)
    let count = 0
    let before = 1
    for (let i = 0; i < buffer.length; i++) {
      if (count + 1 >= ranges.length) {
        const larger = new Uint32Array(ranges.length * 2)
        larger.set(ranges)
        ranges = larger
      }
      const space = isSpace[buffer[i]]
      ranges[count] = i
      count += before ^ space
      before = space
    }
    if (before === 0) ranges[count++] = buffer.length
    return ranges.subarray(0, count)
  },
  firstWordCut(buffer) {
    for (let q = 1; q <= buffer.length; q++) {
      const byte = buffer[q - 1]
      if (byte !== 32 && (byte > 13 || byte < 9)) continue
      if (byte === 13 && (q === buffer.length || buffer[q] === 10)) continue
      return q
    }
    return -1
  },
}

function lineBlocks(bytes) {
  const counter = wasm.lineBlockCounter(512)
  counter.update(bytes)
  return counter.finish()
}

function equal(a, b) {
  if (typeof a === 'number') return a === b
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  )
}

/** Seconds per call, one for each round and arm; the arms take turns. */
function compare(arms) {
  const seconds = arms.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    arms.forEach((arm, i) => {
      const benchmark = new Benchmark(arm, { maxTime: 0.4, minSamples: 3 })
      benchmark.run()
      seconds[i].push(1 / benchmark.hz)
    })
  }
  return seconds
}

const { text, files, distinct } = realText()
const bytes = new Uint8Array(text.buffer, text.byteOffset, text.length)
const longWord = new Uint8Array(SIZE).fill(97)
const mean = (count) => (SIZE / count).toFixed(1)

console.log(`kernels: ${machine()}`)
console.log(
  `  ${SIZE / MiB} MiB of ${files} texts (${(distinct / MiB).toFixed(1)} MiB, repeated); ` +
    `mean line ${mean(wasm.countLines(bytes))} bytes, mean word and space ${mean(wasm.countWords(bytes))} bytes`,
)

const cases = [
  ['line count', () => wasm.countLines(bytes), 'indexOf loop', () => loops.countLines(text), 2.5],
  ['line positions', () => wasm.linePositions(bytes), 'indexOf loop', () => loops.linePositions(text), 1.5],
  ['lines per 512-byte block', () => lineBlocks(bytes), 'indexOf loop', () => loops.lineBlocks(text)],
  ['word count', () => wasm.countWords(bytes), 'byte loop', () => loops.countWords(bytes), 5],
  ['all word boundaries', () => wasm.wordRanges(bytes), 'byte loop', () => loops.wordRanges(bytes), 5],
  [
    'next word boundary',
    () => wasm.firstWordCut(longWord),
    'byte loop',
    () => loops.firstWordCut(longWord),
    5,
  ],
  ...(zlib.crc32 ? [['crc32', () => wasm.crc32(bytes), 'zlib.crc32', () => zlib.crc32(bytes)]] : []),
]

for (const [name, kernel, rivalName, rival, atLeast] of cases) {
  if (!equal(kernel(), rival())) throw new Error(`${name}: the arms differ`)
  const [own, other] = compare([kernel, rival])
  const rate = (seconds) => `${(SIZE / median(seconds) / 1e6).toFixed(0)} MB/s`
  report(`${name} over ${rivalName}`, ratio(other, own), {
    ...(atLeast === undefined ? {} : { atLeast }),
    unit: '×',
    detail: `${rate(own)} and ${rate(other)}`,
  })
}
finish()
