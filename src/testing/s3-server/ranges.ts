import type { Range } from '../../range.js'
import { S3Error } from './errors.js'

/**
 * What a `Range` header means for an object of `size` bytes (RFC 9110 section 14). `undefined`: the header
 * does not count and the whole object is the answer, which is what S3 does with other units, malformed
 * values and several ranges at once.
 *
 * @throws InvalidRange (416, with the size in `Content-Range`) when no byte of the object is asked for.
 */
export function parseRange(header: string | undefined, size: number): Range | undefined {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '')
  if (!match) return undefined
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  if (first === '' && last === '') return undefined
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0 || size === 0) throw unsatisfiable(header ?? '', size)
    return [Math.max(0, size - suffix), size]
  }
  const start = Number(first)
  const end = last === '' ? size : Number(last) + 1
  if (end <= start && last !== '') return undefined
  if (start >= size) throw unsatisfiable(header ?? '', size)
  return [start, Math.min(end, size)]
}

/** The value of `Content-Range` for a half-open range. */
export function contentRange([start, end]: Range, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`
}

function unsatisfiable(header: string, size: number): S3Error {
  return new S3Error('InvalidRange', undefined, {
    details: { RangeRequested: header, ActualObjectSize: String(size) },
    headers: { 'content-range': `bytes */${size}` },
  })
}
