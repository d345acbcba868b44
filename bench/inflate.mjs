// Inflate: `createGunzip` of `dataplug/wasm`, checksums verified, against Node's streaming zlib on the same
// bytes; decoding without history, and the search for blocks, by the kernels alone.
//   node bench/inflate.mjs [file.gz]   default: 128 MiB of synthetic reads, gzip -6
import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import { createGunzip } from 'dataplug/wasm'
import { alternate, finish, MiB, machine, median, ratio, report } from './measure.mjs'
import { makeFastq } from './programs.mjs'

const ROUNDS = 7
const PIECE = 64 * 1024

const data = process.argv[2] ? zlib.gunzipSync(readFileSync(process.argv[2])) : makeFastq(128 * MiB)
const gz = process.argv[2] ? readFileSync(process.argv[2]) : zlib.gzipSync(data, { level: 6 })
console.log(
  `inflate, ${(data.length / 1e6).toFixed(0)} MB from ${(gz.length / 1e6).toFixed(0)} MB: ${machine()}`,
)

function ours(use) {
  const decoder = createGunzip()
  for (let at = 0; at < gz.length; at += PIECE) {
    for (const piece of decoder.push(gz.subarray(at, at + PIECE))) use(piece)
  }
  decoder.finish()
}

function nodes(use) {
  return new Promise((resolve, reject) => {
    const gunzip = zlib.createGunzip({ chunkSize: PIECE })
    gunzip.on('data', use)
    gunzip.on('end', resolve)
    gunzip.on('error', reject)
    gunzip.end(gz)
  })
}

/** The kernels by themselves, on an instance of their own. */
const { exports: kernels } = new WebAssembly.Instance(
  new WebAssembly.Module(readFileSync(new URL('../dist/core.wasm', import.meta.url))),
)
kernels.init()
const heap = new Uint8Array(kernels.memory.buffer)
const input = kernels.inputPointer()
const NEVER = 0x7fffffff

/** Decodes the one member to bytes (unknown 0) or symbols (1); `use` gets pointer and end of each piece. */
function decode(unknown, use) {
  kernels.inflateReset(unknown)
  for (let at = 10; at < gz.length; at += PIECE) {
    const window = gz.subarray(at, at + PIECE)
    heap.set(window, input)
    kernels.inflateInput(0, window.length)
    for (;;) {
      const status = kernels.inflateRun(PIECE, NEVER, NEVER)
      use(kernels.inflatePiece(), kernels.inflateOut())
      if (status === 0) break
      if (status === 3) return
      if (status < 0) throw new Error(`status ${status}`)
    }
  }
}

function symbolsWithSummary() {
  kernels.markersReset()
  let lines = 0
  decode(1, (p, end) => {
    lines += kernels.markersAdd(p, (end - p) / 2)
  })
  return lines
}

/** Finds every block. */
function search() {
  for (let at = 0; at < gz.length; at += MiB / 2) {
    const window = gz.subarray(at, at + MiB / 2)
    heap.set(window, input)
    for (let bit = 0; bit < window.length * 8; ) {
      const found = kernels.findBlock(bit, (window.length - 600) * 8, window.length)
      if (found < 0) break
      bit = found + 1
    }
  }
}

{
  let checked = 0
  ours((piece) => {
    if (Buffer.compare(piece, data.subarray(checked, checked + piece.length)) !== 0)
      throw new Error('differs')
    checked += piece.length
  })
  if (checked !== data.length) throw new Error('too short')
  let lines = 0
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) lines++
  if (symbolsWithSummary() !== lines || kernels.markersCrc() >>> 0 !== gz.readUInt32LE(gz.length - 8)) {
    throw new Error('the summary differs')
  }
}

let bytes = 0
const count = (piece) => {
  bytes += piece.length
}
const times = await alternate(
  {
    ours: () => ours(count),
    zlib: () => nodes(count),
    raw: () => decode(0, () => {}),
    symbols: () => decode(1, () => {}),
    summary: () => void symbolsWithSummary(),
    search,
  },
  ROUNDS,
)
if (bytes !== 2 * (ROUNDS + 1) * data.length) throw new Error('lost bytes')
const speed = (name, size = data.length) => size / 1e6 / median(times[name])
report("inflate with CRC-32 over Node's streaming gunzip", ratio(times.zlib, times.ours), {
  atLeast: 1.3,
  unit: '×',
  detail: `${speed('ours').toFixed(0)} against ${speed('zlib').toFixed(0)} MB/s`,
})
report('inflate alone', speed('raw'), { unit: ' MB/s' })
report('inflate to symbols', speed('symbols'), { unit: ' MB/s' })
report('inflate to symbols, with lines and CRC-32', speed('summary'), { unit: ' MB/s' })
report('block search, of compressed bytes', speed('search', gz.length), { unit: ' MB/s' })
finish()
