// Does to slice `only`, or to every slice, what the query of its own URL says.
import { DataplugError } from 'dataplug'

const query = new URL(import.meta.url).searchParams
const what = query.get('what')
const only = query.get('only')

const misdeeds = {
  exit: () => process.exit(Number(query.get('code') ?? 0)),
  throw: () => {
    throw new TypeError('no such word')
  },
  'throw-nothing': () => {
    throw undefined
  },
  'throw-object': () => {
    throw Object.create(null)
  },
  'throw-coded': () => {
    throw new DataplugError('MALFORMED_DATA', 'odd bytes', { uri: 'memory:x', offset: 7 })
  },
  'throw-later': () => {
    setTimeout(() => {
      throw new Error('too late to be caught')
    }, 1)
    return new Promise(() => {})
  },
  'reject-unheard': () => {
    Promise.reject(new Error('nobody listens'))
    return 'done'
  },
  hang: () => new Promise(() => setInterval(() => {}, 1000)),
  spin: () => {
    for (;;);
  },
  allocate: () => {
    const kept = []
    for (;;) kept.push({ text: `${kept.length}`.padEnd(100) })
  },
  closure: () => () => 1,
  bytes: (slice) => slice.bytes(),
  'large-or-small': ({ id }) => new Uint8Array(id % 2 ? 3 << 20 : 1000).fill(id),
}

export default (slice) => (only === null || Number(only) === slice.id ? misdeeds[what](slice) : slice.id)
