// Runs in the page, bundled as an application would bundle it: `dataplug` resolves by the browser condition.
// JavaScript, since it uses the built package, which need not be there when types are checked.
import { CloudObject, isDataplugError, Slice } from 'dataplug'
import * as text from 'dataplug/formats/text'
import { blobStore, openStorage } from 'dataplug/storage'
import * as wasm from 'dataplug/wasm'

const { UTF8Text, wholeWordsStrategy, partitionNumChunks, partitionChunkSize, partitionChunkLines } = text

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function digests(slices) {
  const found = []
  for (const slice of slices) {
    const bytes = await slice.bytes()
    found.push({ length: bytes.length, sha256: await sha256(bytes) })
  }
  return found
}

/** What is told of an error, whatever it is. */
async function outcome(work) {
  try {
    return { ok: await work() }
  } catch (error) {
    return isDataplugError(error)
      ? { code: error.code, message: error.message }
      : { code: error.name, message: String(error.message) }
  }
}

async function fetchBlob(url) {
  return (await fetch(url)).blob()
}

async function cutObject(object, { numChunks, chunkSize, linesPerChunk }) {
  const cut = async (strategy, params) => digests(await object.partition(strategy, params))
  return {
    words: await cut(wholeWordsStrategy, { numChunks }),
    count: await cut(partitionNumChunks, { numChunks }),
    size: await cut(partitionChunkSize, { chunkSize }),
    ...(object.isPreprocessed() ? { lines: await cut(partitionChunkLines, { linesPerChunk }) } : {}),
  }
}

globalThis.dataplugTest = {
  /** Opens the data behind `url` as a Blob, preprocesses and cuts it. */
  async blob(url, params) {
    const progress = []
    const object = await CloudObject.open(UTF8Text, await fetchBlob(url))
    await object.preprocess({ chunkSize: 500_000, onProgress: ({ bytesDone }) => progress.push(bytesDone) })
    return {
      size: object.size,
      attributes: object.attributes,
      progress,
      cut: await cutObject(object, params),
    }
  },

  /** Opens a URL and cuts it; by lines too when an index lies beside it. */
  async url(url, params) {
    const object = await CloudObject.open(UTF8Text, url)
    const cut = await cutObject(object, params)
    return { size: object.size, attributes: object.isPreprocessed() ? object.attributes : undefined, cut }
  },

  /** Reads slices that were cut elsewhere, from their JSON. */
  read: (lines) => digests(lines.map((line) => Slice.fromJSON(line))),

  /** Slices of a Blob, as JSON, revived over the same Blob. */
  async revive(url, numChunks) {
    const blob = await fetchBlob(url)
    const object = await CloudObject.open(UTF8Text, blob)
    const slices = await object.partition(wholeWordsStrategy, { numChunks })
    const store = blobStore(blob)
    return digests(slices.map((slice) => Slice.fromJSON(JSON.stringify(slice), { store })))
  },

  /** Every way to read one slice. */
  async views(url, numChunks) {
    const [slice] = await (await CloudObject.open(UTF8Text, url)).partition(partitionNumChunks, { numChunks })
    const lines = []
    for await (const line of slice.lines()) lines.push(line)
    return {
      get: await slice.get(),
      text: await slice.text(),
      stream: await new Response(slice.stream()).text(),
      lines,
    }
  },

  open: (url) => outcome(async () => (await CloudObject.open(UTF8Text, url)).size),
  preprocess: (url) => outcome(async () => (await CloudObject.open(UTF8Text, url)).preprocess()),
  readOne: (line) => outcome(async () => (await Slice.fromJSON(line).bytes()).length),

  /** Aborts after the first piece of the body, and tells whether the reason came through. */
  async abort(url) {
    const storage = openStorage()
    const { size } = await storage.head(url)
    const controller = new AbortController()
    const reason = new Error('enough')
    let pieces = 0
    try {
      for await (const _ of storage.read(url, [0, size], { signal: controller.signal })) {
        pieces++
        controller.abort(reason)
      }
      return { pieces, aborted: false }
    } catch (error) {
      return { pieces, aborted: error === reason }
    }
  },

  /** The kernels on the data behind `url`. */
  async kernels(url) {
    const bytes = new Uint8Array(await (await fetchBlob(url)).arrayBuffer())
    await wasm.init()
    const counter = wasm.wordCounter()
    for (let at = 0; at < bytes.length; at += 99_991) counter.update(bytes.subarray(at, at + 99_991))
    const positions = wasm.linePositions(bytes)
    const words = wasm.wordRanges(bytes)
    return {
      lines: wasm.countLines(bytes),
      positions: await sha256(Uint32Array.from(positions).buffer),
      tenth: wasm.nthLine(bytes, 10),
      words: wasm.countWords(bytes),
      wordsInPieces: counter.finish(),
      ranges: await sha256(Uint32Array.from(words).buffer),
      firstWordCut: wasm.firstWordCut(bytes, 1000),
      lastLineCut: wasm.lastLineCut(bytes),
      crc32: wasm.crc32(bytes),
    }
  },
}
