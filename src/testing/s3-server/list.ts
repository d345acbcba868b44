import { S3Error } from './errors.js'
import { byUtf8 } from './objects.js'

export interface ListQuery {
  readonly prefix: string
  readonly delimiter: string
  readonly maxKeys: number
  /** Keys up to and including this one are left out. */
  readonly after: string
  /** Keys below this common prefix have been listed already. */
  readonly afterPrefix: string
}

export interface ListPage {
  readonly keys: readonly string[]
  readonly commonPrefixes: readonly string[]
  readonly truncated: boolean
  /** The key or common prefix listed last, from which the next page goes on. */
  readonly last: { readonly key: string } | { readonly prefix: string } | undefined
}

/** One page out of all keys, which are sorted. A common prefix counts like a key. */
export function listPage(sorted: readonly string[], query: ListQuery): ListPage {
  const { prefix, delimiter, maxKeys } = query
  const keys: string[] = []
  const commonPrefixes: string[] = []
  let afterPrefix = query.afterPrefix
  let last: ListPage['last']
  const page = (truncated: boolean): ListPage => ({ keys, commonPrefixes, truncated, last })
  // S3 answers nothing, and not truncated, to max-keys=0.
  if (maxKeys === 0) return page(false)
  for (let at = firstAfter(sorted, query); at < sorted.length; at++) {
    const key = sorted[at] ?? ''
    if (!key.startsWith(prefix)) {
      if (byUtf8(key, prefix) > 0) break
      continue
    }
    if (afterPrefix !== '' && key.startsWith(afterPrefix)) continue
    if (keys.length + commonPrefixes.length === maxKeys) return page(true)
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (cut < 0) {
      keys.push(key)
      last = { key }
    } else {
      afterPrefix = key.slice(0, cut + delimiter.length)
      commonPrefixes.push(afterPrefix)
      last = { prefix: afterPrefix }
    }
  }
  return page(false)
}

/** Index of the first key that can belong to the page, by bisection. */
function firstAfter(sorted: readonly string[], { after, afterPrefix, prefix }: ListQuery): number {
  const bound = [after, afterPrefix, prefix].reduce((a, b) => (byUtf8(a, b) < 0 ? b : a))
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = byUtf8(sorted[middle] ?? '', bound)
    if (order < 0 || (order === 0 && bound === after && after !== '')) low = middle + 1
    else high = middle
  }
  return low
}

/** Opaque to clients. */
export function continuationToken(last: NonNullable<ListPage['last']>): string {
  return Buffer.from(JSON.stringify(last)).toString('base64url')
}

/** @throws InvalidArgument */
export function readToken(token: string): { after: string; afterPrefix: string } {
  try {
    const last: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (typeof last === 'object' && last !== null) {
      if ('key' in last && typeof last.key === 'string') return { after: last.key, afterPrefix: '' }
      if ('prefix' in last && typeof last.prefix === 'string') return { after: '', afterPrefix: last.prefix }
    }
  } catch {
    // Refused below.
  }
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
}
