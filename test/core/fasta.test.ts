import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadCore } from '../../src/core/core.js'
import { LONGEST_HEADER_TEXT } from '../../src/core/fasta.js'

const core = await loadCore()

interface Found {
  readonly headers: (readonly unknown[])[]
  readonly facts: unknown
}

function scan(bytes: Uint8Array, piece: number): Found {
  const scanner = core.fastaScanner()
  const headers: (readonly unknown[])[] = []
  for (let at = 0; at < bytes.length; at += piece) {
    // As a stream does: the piece is filled with something else afterwards.
    const lent = new Uint8Array(bytes.subarray(at, at + piece))
    scanner.update(lent, (text, ...rest) => headers.push([Buffer.from(text).toString('latin1'), ...rest]))
    lent.fill(62)
  }
  return { headers, facts: scanner.finish() }
}

/** Residues counted one by one. */
const residuesOf = (text: string) => text.replace(/[^!-~]/g, '').length

describe('fastaScanner', () => {
  const line = fc.oneof(
    fc.string({ unit: fc.constantFrom('A', 'C', '~', '!'), maxLength: 200 }),
    fc.constantFrom('', '\r', '>', '>a b', 'A A', '\x7f', '\x80', ' ', '>\xff', 'A\r'),
    fc.integer({ min: 0, max: 300 }).map((length) => 'ACGT'.repeat(75).slice(0, length)),
  )
  const text = fc
    .array(fc.tuple(line, fc.integer({ min: 1, max: 20 })), { maxLength: 12 })
    .map((runs) => runs.map(([line, count]) => `${line}\n`.repeat(count)).join(''))

  it('finds headers and the lines before them, as a loop over lines does, in pieces of any size', () => {
    fc.assert(
      fc.property(text, fc.string(), fc.integer({ min: 1, max: 400 }), (lines, rest, piece) => {
        const bytes = Buffer.from(`head\n${lines}${rest.replaceAll('\n', '')}`, 'latin1')
        const whole = bytes.toString('latin1')
        const expected: unknown[] = []
        let residues = 0
        let at = 0
        for (const one of whole.split('\n').slice(0, -1)) {
          if (at > 0 && one.startsWith('>')) {
            expected.push([one, at, at + one.length + 1, residues])
            residues = 0
          } else if (at > 0) residues += residuesOf(one)
          at += one.length + 1
        }
        const found = scan(bytes, piece)
        expect(found.headers.map((header) => header.slice(0, 4))).toEqual(expected)
        const tail = whole.slice(at)
        expect(found.facts).toMatchObject({
          head: { bytes: 4, residues: 4, first: 104, last: 100 },
          tail: { bytes: tail.length, residues: residuesOf(tail) },
          last: { residues },
        })
        expect(scan(bytes, bytes.length)).toEqual(found)
      }),
      { numRuns: 200 },
    )
  })

  it('tells lines of equal length from others, whatever their terminator', () => {
    const tell = (lines: string) => {
      const [header] = scan(Buffer.from(`\n${lines}>\n`, 'latin1'), 7).headers
      return header?.slice(4)
    }
    const full = `${'A'.repeat(60)}\n`
    expect(tell(`${full.repeat(9)}ACG\n\n`)).toEqual([61, 60, false, false])
    expect(tell(`${full.repeat(2).replaceAll('\n', '\r\n')}A\r\n`)).toEqual([62, 60, false, false])
    expect(tell(`${full}A${full}`)).toEqual([61, 60, true, false])
    expect(tell(`${full}A\n${full}`)).toEqual([61, 60, true, false])
    expect(tell(`${full}\n${full}`)).toEqual([61, 60, true, false])
    expect(tell(`${full}${'A'.repeat(30)} ${'A'.repeat(29)}\n${full}`)).toEqual([61, 60, false, true])
    expect(tell(`${full}${'A'.repeat(59)}\r\n`)).toEqual([61, 60, false, true])
    expect(tell('A A\n')).toEqual([4, 2, false, true])
    expect(tell('\n')).toEqual([0, 0, false, false])
    expect(tell('\r\n')).toEqual([2, 0, false, false])
  })

  it('gives no more of a header than is looked at', () => {
    const long = `>${'x'.repeat(3 * LONGEST_HEADER_TEXT)}`
    for (const piece of [1000, 1 << 20]) {
      const { headers } = scan(Buffer.from(`\n${long}\nA\n`), piece)
      expect(headers.map(([text]) => text)).toEqual([long.slice(0, LONGEST_HEADER_TEXT)])
    }
  })

  it('counts one line of many windows', () => {
    const bytes = Buffer.from(`>a\n${'ACGT'.repeat(100_000)}\n>b\n`)
    const { headers, facts } = scan(bytes, 70_001)
    expect(headers).toEqual([['>b', 400_004, 400_007, 400_000, 400_001, 400_000, false, false]])
    expect(facts).toMatchObject({ head: { bytes: 2 }, tail: { bytes: 0 }, last: { phase: 0 } })
  })
})
