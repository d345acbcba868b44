// Finding messages in bytes that come in pieces, and taking them apart.

/** @typedef {import('dataplug/plugin').Core} Core */

const LF = 10
const CR = 13
const FROM = new TextEncoder().encode('From ')

/** A message is known to begin after "\n\r\nFrom " at most. One byte less can be seen without knowing it. */
export const REACH = 7

/**
 * The stream in windows, and where messages begin in each. The last `again` bytes of a window, in which one may
 * have begun, are the first of the next. No start is found twice.
 *
 * @param {import('dataplug/plugin').ByteStream} stream
 * @param {Core} core
 */
export async function* findMessages(stream, core) {
  let held = new Uint8Array(0)
  for await (const piece of stream) {
    // A copy: the piece itself is only lent until the next one is asked for.
    const bytes = join(held, piece)
    const messages = messagesIn(bytes, core.linePositions(bytes))
    held = bytes.slice(Math.max(bytes.length - REACH, messages.at(-1)?.at ?? 0))
    yield { bytes, messages, again: held.length }
  }
  yield { bytes: held, messages: [], again: 0 }
}

/**
 * Messages that are seen to begin in `bytes`: the empty line and "From " are `[from, to)`, the message begins
 * at `at`.
 *
 * @param {Uint8Array} bytes
 * @param {Iterable<number>} lineFeeds offsets of the line feeds in `bytes`
 */
export function messagesIn(bytes, lineFeeds = [...bytes.keys()].filter((i) => bytes[i] === LF)) {
  const found = []
  let previous = Number.NEGATIVE_INFINITY
  for (const lf of lineFeeds) {
    const isEmpty = lf - previous === 1 || (lf - previous === 2 && bytes[lf - 1] === CR)
    if (isEmpty && isFrom(bytes, lf + 1)) found.push({ from: previous, at: lf + 1, to: lf + 1 + FROM.length })
    previous = lf
  }
  return found
}

/**
 * @param {Uint8Array} bytes
 * @param {number} offset
 */
export function isFrom(bytes, offset) {
  return FROM.every((byte, i) => bytes[offset + i] === byte)
}

/** @param {readonly Uint8Array[]} pieces */
export function join(...pieces) {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/**
 * @typedef {object} Message
 * @property {number} number position in the archive, from 0
 * @property {string} envelope what follows "From " in the first line: sender and date
 * @property {readonly (readonly [name: string, value: string])[]} headers in their order, unfolded
 * @property {Uint8Array} body as stored, up to the empty line before the next message
 */

/**
 * @param {import('dataplug/plugin').ByteStream} stream whole messages
 * @param {number} first number of the first one
 * @param {Core} core
 */
export async function* readMessages(stream, first, core) {
  let number = first
  /** @type {Uint8Array[]} */
  let open = []
  for await (const { bytes, messages, again } of findMessages(stream, core)) {
    let from = 0
    for (const { at } of messages) {
      yield parseMessage(join(...open, bytes.subarray(from, at)), number++)
      open = []
      from = at
    }
    open.push(bytes.subarray(from, bytes.length - again))
  }
  const last = join(...open)
  if (last.length > 0) yield parseMessage(last, number)
}

/**
 * @param {Uint8Array} bytes
 * @param {number} number
 * @returns {Message}
 */
function parseMessage(bytes, number) {
  // Headers are ASCII (RFC 5322); whatever else they hold is kept, a byte a character.
  const text = new TextDecoder('latin1').decode(bytes)
  const end = /\r?\n\r?\n|$/.exec(text)
  const headEnd = end ? end.index : text.length
  const [envelope = '', ...lines] = text
    .slice(FROM.length, headEnd)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]*):?\s*(.*)$/.exec(line) ?? []
    return /** @type {const} */ ([name, value])
  })
  return { number, envelope, headers, body: bytes.subarray(headEnd + (end?.[0].length ?? 0)) }
}
