// Mail archives: messages one after the other, each begun by a line "From sender date" after an empty line
// (RFC 4155). Lines end with LF or CRLF.
import {
  DataplugError,
  defineFormat,
  defineStrategy,
  isRange,
  sizePerSlice,
  sliceCount,
  splitEvenly,
} from 'dataplug/plugin'
import { findMessages, isFrom, join, messagesIn, REACH, readMessages } from './messages.js'

/** @typedef {import('dataplug/plugin').Core} Core */
/** @typedef {import('dataplug/plugin').Range} Range */

/**
 * What preprocessing finds out.
 * @typedef {{ readonly totalMessages: number, readonly largestMessage: number }} Facts
 * `largestMessage` is in bytes.
 */

/**
 * One slice: whole messages `[messages[0], messages[1])`, which are the bytes `range` of the object.
 * @typedef {{ readonly range: Range, readonly messages: Range }} MailSlice
 */

export const Mbox = defineFormat({
  name: 'mbox',
  version: 1,
  module: import.meta.url,
  extensions: ['.mbox', '.mbx'],
  sniff: (head) => isFrom(head, 0),
  scan,
  merge,
  read,
})

/** Slices of exactly `messagesPerSlice` messages; the last may have fewer. */
export const partitionMessages = defineStrategy(
  Mbox,
  'partitionMessages',
  async (index, /** @type {{ readonly messagesPerSlice: number }} */ params) => {
    const { totalMessages } = index.attributes
    const perSlice = sizePerSlice('messagesPerSlice', params.messagesPerSlice, totalMessages)
    const firsts = Array.from({ length: Math.ceil(totalMessages / perSlice) }, (_, i) => i * perSlice)
    return mailSlices(unpack(await index.section('starts')), firsts, index.size)
  },
)

/** Exactly `numChunks` slices of about equal size. Some are empty when there are fewer messages. */
export const partitionNumChunks = defineStrategy(
  Mbox,
  'partitionNumChunks',
  async (index, /** @type {{ readonly numChunks: number }} */ params) => {
    const cuts = splitEvenly(index.size, sliceCount('numChunks', params.numChunks))
    const starts = unpack(await index.section('starts'))
    const firsts = cuts.map(([start]) => firstFrom(starts, start))
    return mailSlices(starts, firsts, index.size)
  },
)

// ---- Preprocessing: where messages begin

/**
 * Map. The chunk may begin and end anywhere, so besides the starts inside it, its first and last bytes go to
 * `merge`, which finds the starts across its ends.
 *
 * @param {import('dataplug/plugin').Chunk} chunk
 * @param {Core} core
 */
async function scan(chunk, core) {
  const starts = []
  let head = new Uint8Array(0)
  let tail = head
  let position = chunk.range[0]
  for await (const { bytes, messages, again } of findMessages(chunk.stream(), core)) {
    for (const { at } of messages) starts.push(position + at)
    const passed = bytes.subarray(0, bytes.length - again)
    head = join(head, passed.subarray(0, REACH)).slice(0, REACH)
    tail = join(tail, passed.subarray(-REACH)).slice(-REACH)
    position += passed.length
  }
  return { start: chunk.range[0], head, tail, starts: pack(starts) }
}

/**
 * Reduce. `before` is always the last bytes before the part, however short the parts are, so the same starts
 * are found wherever the object was cut. Before the first byte we imagine an empty line.
 *
 * @param {readonly import('dataplug/plugin').Part[]} parts
 * @param {{ readonly uri: string, readonly size: number }} source
 * @returns {import('dataplug/plugin').Built<Facts>}
 */
function merge(parts, { uri, size }) {
  const starts = []
  let before = new TextEncoder().encode('\n\n')
  for (const part of parts) {
    const { start, head, tail, starts: inside } = /** @type {Awaited<ReturnType<typeof scan>>} */ (part)
    for (const { from, at, to } of messagesIn(join(before, head))) {
      if (from < before.length && to > before.length) starts.push(start + at - before.length)
    }
    for (const at of unpack(inside)) starts.push(at)
    before = join(before, tail).slice(-REACH)
  }
  if (size > 0 && starts[0] !== 0) {
    throw new DataplugError(
      'MALFORMED_DATA',
      `${uri} is no mail archive: its first line does not begin with "From "`,
      { uri, offset: 0 },
    )
  }
  let largestMessage = 0
  for (const [i, start] of starts.entries()) {
    largestMessage = Math.max(largestMessage, (starts[i + 1] ?? size) - start)
  }
  return { attributes: { totalMessages: starts.length, largestMessage }, sections: { starts: pack(starts) } }
}

// ---- Partitioning: from the index alone

/**
 * Slices from message `firsts[i]` up to `firsts[i + 1]`, the last up to the end.
 *
 * @param {readonly number[]} starts
 * @param {readonly number[]} firsts
 * @param {number} size
 * @returns {MailSlice[]}
 */
function mailSlices(starts, firsts, size) {
  const offset = (/** @type {number} */ message) => starts[message] ?? size
  return firsts.map((first, i) => {
    const next = firsts[i + 1] ?? starts.length
    return { range: [offset(first), offset(next)], messages: [first, next] }
  })
}

/**
 * The first message that starts at `offset` or later.
 *
 * @param {readonly number[]} starts
 * @param {number} offset
 */
function firstFrom(starts, offset) {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (/** @type {number} */ (starts[middle]) < offset) low = middle + 1
    else high = middle
  }
  return low
}

// ---- Reading

/**
 * @param {MailSlice} slice
 * @param {import('dataplug/plugin').ReadContext} context
 * @returns {import('dataplug/plugin').Reading<import('./messages.js').Message[]>}
 */
function read(slice, { main, core }) {
  const { range, messages } = slice
  if (!isRange(range) || range[1] > main.size || !isRange(messages)) {
    throw new DataplugError(
      'INVALID_SLICE',
      `${JSON.stringify(slice)} is not a slice of the mail archive ${main.uri}`,
      {
        uri: main.uri,
      },
    )
  }
  const records = () => readMessages(main.read(range), messages[0], core)
  return {
    bytes: () => main.read(range),
    records,
    async value() {
      const all = []
      for await (const message of records()) all.push(message)
      return all
    },
    extent: async () => range,
  }
}

// ---- The section "starts"

/**
 * Offsets as `u64`, little-endian.
 *
 * @param {readonly number[]} offsets
 */
function pack(offsets) {
  const bytes = new Uint8Array(offsets.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [i, offset] of offsets.entries()) view.setBigUint64(i * 8, BigInt(offset), true)
  return bytes
}

/** @param {Uint8Array} bytes */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigUint64(i * 8, true)))
}
