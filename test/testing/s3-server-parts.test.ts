import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeChunks } from '../../src/testing/s3-server/chunked.js'
import { crc32, crc32c, crcBase64, crcOf } from '../../src/testing/s3-server/crc32.js'
import { fileName, isHashed, keyOf } from '../../src/testing/s3-server/disk-names.js'
import { S3Error } from '../../src/testing/s3-server/errors.js'
import { continuationToken, listPage, readToken } from '../../src/testing/s3-server/list.js'
import { byUtf8 } from '../../src/testing/s3-server/objects.js'
import { parseRange } from '../../src/testing/s3-server/ranges.js'
import { document, elements, text } from '../../src/testing/s3-server/xml.js'

describe('parseRange', () => {
  /** Tries every byte, instead of reckoning. */
  function oracle(first: number | undefined, last: number | undefined, size: number) {
    const bytes = [...Array(size).keys()]
    if (first === undefined) return bytes.slice(size - Math.min(last ?? 0, size))
    return bytes.filter((at) => at >= first && (last === undefined || at <= last))
  }

  it('selects the bytes that RFC 9110 says', () => {
    const bound = fc.option(fc.nat(40), { nil: undefined })
    fc.assert(
      fc.property(bound, bound, fc.nat(30), (first, last, size) => {
        const header = `bytes=${first ?? ''}-${last ?? ''}`
        const backwards = first !== undefined && last !== undefined && first > last
        if (backwards || header === 'bytes=-') {
          expect(parseRange(header, size)).toBeUndefined()
          return
        }
        const expected = oracle(first, last, size)
        if (expected.length === 0) {
          expect(() => parseRange(header, size)).toThrow(S3Error)
        } else {
          expect(parseRange(header, size)).toEqual([expected[0], (expected.at(-1) ?? 0) + 1])
        }
      }),
    )
  })

  it.each([
    'bytes=a-b',
    'bytes=-',
    'bytes=',
    'lines=0-1',
    'bytes=0-1,3-4',
    'bytes=5-2',
    'bytes 0-1',
    '0-1',
    '',
  ])('leaves %j out of account', (header) => {
    expect(parseRange(header, 100)).toBeUndefined()
  })

  it('tells the size when nothing is left', () => {
    expect.assertions(1)
    try {
      parseRange('bytes=100-', 100)
    } catch (error) {
      expect(error).toMatchObject({ status: 416, facts: { headers: { 'content-range': 'bytes */100' } } })
    }
  })
})

describe('listPage', () => {
  const keys = fc.uniqueArray(fc.stringMatching(/^[ab/é]{1,6}$/), { maxLength: 40 })

  /** One pass over everything, no pages. */
  function oracle(sorted: readonly string[], prefix: string, delimiter: string): string[] {
    const items = sorted
      .filter((key) => key.startsWith(prefix))
      .map((key) => {
        const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
        return cut < 0 ? `key ${key}` : `prefix ${key.slice(0, cut + delimiter.length)}`
      })
    return [...new Set(items)]
  }

  it('gives everything once, whatever the page size', () => {
    fc.assert(
      fc.property(
        keys,
        fc.constantFrom('', 'a', 'a/', 'b'),
        fc.constantFrom('', '/', 'ab'),
        fc.integer({ min: 1, max: 7 }),
        (all, prefix, delimiter, maxKeys) => {
          const sorted = [...all].sort(byUtf8)
          const seen: string[] = []
          let start = { after: '', afterPrefix: '' }
          for (;;) {
            const page = listPage(sorted, { prefix, delimiter, maxKeys, ...start })
            expect(page.keys.length + page.commonPrefixes.length).toBeLessThanOrEqual(maxKeys)
            seen.push(...page.keys.map((k) => `key ${k}`), ...page.commonPrefixes.map((p) => `prefix ${p}`))
            if (!page.truncated || !page.last) break
            start = readToken(continuationToken(page.last))
          }
          expect(seen.sort()).toEqual(oracle(sorted, prefix, delimiter).sort())
        },
      ),
    )
  })

  it('starts after a key, itself left out', () => {
    fc.assert(
      fc.property(keys, fc.stringMatching(/^[ab/]{0,4}$/), (all, after) => {
        const sorted = [...all].sort(byUtf8)
        const page = listPage(sorted, { prefix: '', delimiter: '', maxKeys: 1000, after, afterPrefix: '' })
        expect(page.keys).toEqual(sorted.filter((key) => byUtf8(key, after) > 0))
      }),
    )
  })

  it('refuses tokens that it never gave', () => {
    for (const token of [
      '',
      'x',
      Buffer.from('[]').toString('base64url'),
      Buffer.from('{"key":1}').toString('base64url'),
    ]) {
      expect(() => readToken(token)).toThrow(S3Error)
    }
  })
})

describe('file names', () => {
  it('are one path segment, and lead back to the key', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.stringMatching(/^[./\\%]{1,8}$/)),
        (key) => {
          const name = fileName(key)
          expect(name).not.toMatch(/[/\\\0]/)
          expect(['.', '..', '']).not.toContain(name)
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(240)
          if (!isHashed(name)) expect(keyOf(name)).toBe(key)
        },
      ),
    )
  })

  it('are hashed when too long', () => {
    const [a, b] = [fileName('é'.repeat(400)), fileName(`${'é'.repeat(399)}e`)]
    expect(isHashed(a) && isHashed(b)).toBe(true)
    expect(a).not.toBe(b)
  })

  it('of other origin are no keys', () => {
    for (const name of ['a b', '100%', '%x00', '%2e']) expect(keyOf(name)).toBeUndefined()
  })
})

describe('aws-chunked', () => {
  it('decodes whatever the pieces it arrives in', async () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(chunk, { maxLength: 8 }),
        fc.integer({ min: 1, max: 30 }),
        async (chunks, step) => {
          const parts = chunks.flatMap((c) => [
            Buffer.from(`${c.length.toString(16)}\r\n`),
            Buffer.from(c),
            Buffer.from('\r\n'),
          ])
          const body = Buffer.concat([...parts, Buffer.from('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n')])
          const trailer = new Map<string, string>()
          const out: Uint8Array[] = []
          for await (const bytes of decodeChunks(pieces(body, step), undefined, trailer))
            out.push(Buffer.from(bytes))
          expect(Buffer.concat(out)).toEqual(Buffer.concat(chunks))
          expect([...trailer]).toEqual([['x-amz-checksum-crc32', 'AAAAAA==']])
        },
      ),
    )
  })

  it('refuses what ends early or is something else', async () => {
    for (const body of [
      '',
      '5\r\nabc',
      '5\r\nabcde',
      '5\r\nabcdeXX0\r\n\r\n',
      'plain bytes\r\n',
      '0\r\nno colon\r\n\r\n',
      '-1\r\n',
    ]) {
      const decode = async () => {
        for await (const _ of decodeChunks(pieces(Buffer.from(body), 3), undefined, new Map()));
      }
      await expect(decode()).rejects.toMatchObject({ code: 'IncompleteBody' })
    }
  })

  async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
})

describe('CRC', () => {
  it('has the check values of its two polynomials', () => {
    const check = Buffer.from('123456789')
    expect(crc32(check, 0)).toBe(0xcbf43926)
    expect(crcOf(0xedb88320)(check, 0)).toBe(0xcbf43926)
    expect(crc32c(check, 0)).toBe(0xe3069283)
    expect(crcBase64(0xcbf43926)).toBe('y/Q5Jg==')
  })

  it('goes on from any place', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(crc32c(b, crc32c(a, 0))).toBe(crc32c(Buffer.concat([a, b]), 0))
      }),
    )
  })
})

describe('XML', () => {
  it('brings any text through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        expect(text(document('A', [['Key', key]]), 'Key')).toBe(key)
      }),
    )
  })

  it('finds elements by their whole name', () => {
    expect(elements('<a><Part x="1">1</Part><PartNumber>2</PartNumber><Part/></a>', 'Part')).toEqual([
      '1',
      '',
    ])
    expect(() => elements('<Part>1', 'Part')).toThrow(S3Error)
  })
})
