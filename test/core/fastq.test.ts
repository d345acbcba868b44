import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Core, createCore, type FastqFacts } from '../../src/core/core.js'
import { coreModule } from '../../src/core/module.js'

const core: Core = createCore(await coreModule())

interface Line {
  readonly offset: number
  readonly bytes: Uint8Array
  readonly length: number
}

/** What the facts should be, line by line, straight from their definition. */
function naiveFacts(data: Uint8Array): FastqFacts {
  const feeds: number[] = []
  for (const [i, byte] of data.entries()) if (byte === 10) feeds.push(i)
  const piece = (bytes: Uint8Array) => [bytes.length, bytes[0] ?? -1, bytes.at(-1) ?? -1] as const
  const lines: Line[] = feeds.slice(1).map((end, i) => {
    const offset = (feeds[i] as number) + 1
    const bytes = data.subarray(offset, end)
    return { offset, bytes, length: bytes.length - (bytes.at(-1) === 13 ? 1 : 0) }
  })
  const first = (k: number, holds: (line: Line, i: number) => boolean) => {
    const i = lines.findIndex((line, i) => i % 4 === k && holds(line, i))
    return i === -1 ? null : i
  }
  const at = (i: number | null) => (i === null ? null : ([i, (lines[i] as Line).offset] as const))
  return {
    lineFeeds: feeds.length,
    head: piece(feeds.length === 0 ? data : data.subarray(0, feeds[0])),
    tail: piece(feeds.length === 0 ? new Uint8Array(0) : data.subarray((feeds.at(-1) as number) + 1)),
    lines: lines.length,
    lastFull: lines.findLastIndex(({ length }) => length > 0),
    early: lines.slice(0, 2).map(({ offset, length }) => [offset, length]),
    recent: lines
      .slice(-2)
      .map(({ length }) => length)
      .reverse(),
    classes:
      lines.length === 0
        ? []
        : [0, 1, 2, 3].map((k) => {
            const lengths = lines.filter((_, i) => i % 4 === k).map(({ length }) => length)
            const full = lengths.filter((length) => length > 0)
            const unlike = first(k, ({ length }, i) => (lines[i + 2]?.length ?? length) !== length)
            const other = unlike === null ? undefined : lines[unlike + 2]
            return {
              sum: lengths.reduce((sum, length) => sum + length, 0),
              longest: Math.max(0, ...lengths),
              shortest: full.length > 0 ? Math.min(...full) : null,
              blank: first(k, ({ length }) => length === 0),
              notAt: at(first(k, ({ bytes }) => bytes[0] !== 64)),
              notPlus: at(first(k, ({ bytes }) => bytes[0] !== 43)),
              unlike:
                unlike === null || !other
                  ? null
                  : [unlike, other.offset, (lines[unlike] as Line).length, other.length],
            }
          }),
  }
}

/** Lines in which everything that matters is common, blank ones and carriage returns too. */
const data = fc
  .array(
    fc.tuple(
      fc.constantFrom('@', '+', 'A', '', ''),
      fc.oneof({ weight: 6, arbitrary: fc.nat(4) }, fc.nat(200)),
      fc.constantFrom('\n', '\n', '\r\n', '\r\r\n', ''),
    ),
    { maxLength: 40 },
  )
  .map((lines) => Buffer.from(lines.map(([first, length, end]) => first + 'G'.repeat(length) + end).join('')))

function factsInPieces(bytes: Uint8Array, piece: number): FastqFacts {
  const scanner = core.fastqScanner()
  // Another scanner under way on the same core must not disturb it.
  const other = core.fastqScanner()
  for (let at = 0; at < bytes.length; at += piece) {
    scanner.update(bytes.subarray(at, at + piece))
    other.update(bytes.subarray(0, 50))
  }
  return scanner.finish()
}

describe('fastqScanner', () => {
  it('reports every class of lines, whatever pieces the bytes come in', () => {
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 200 }), (bytes, piece) => {
        expect(factsInPieces(bytes, piece)).toEqual(naiveFacts(bytes))
      }),
      { numRuns: 300 },
    )
  })

  it('counts on across its windows', () => {
    const reads = Array.from({ length: 4000 }, (_, i) => {
      const length = (i * 37) % 300
      return `@read${i} x\n${'ACGT'.repeat(length).slice(0, length)}\n+\n${'@+I'.repeat(length).slice(0, length)}\n`
    }).join('')
    const bytes = Buffer.from(`${reads}${'A'.repeat(300_000)}\n${reads}`)
    expect(factsInPieces(bytes, bytes.length)).toEqual(naiveFacts(bytes))
    expect(factsInPieces(bytes, 99_991)).toEqual(naiveFacts(bytes))
  })
})

interface Sample {
  readonly text: string
  readonly starts: readonly number[]
}

/** Records whose quality lines open with `@` and `+` more often than not, also in headers' clothes. */
const records = fc
  .array(
    fc.tuple(
      fc.nat(9),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('@', '+', 'I', '@r1'),
      fc.constantFrom('+', '+r1', '+@'),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts): Sample => {
    let text = ''
    const starts: number[] = []
    for (const [id, length, opening, plus] of parts) {
      starts.push(text.length)
      const quality = opening.padEnd(length, '+@').slice(0, length)
      text += `@r${id}\n${'ACGT'.repeat(3).slice(0, length)}\n${plus}\n${quality}\n`
    }
    return { text, starts }
  })

describe('fastqRecordStart', () => {
  it('gives the next record or says that it cannot tell, and is never wrong', () => {
    fc.assert(
      fc.property(records, fc.nat(400), fc.nat(400), fc.nat(400), ({ text, starts }, cut, length, ahead) => {
        const from = cut % text.length
        const bytes = Buffer.from(text.slice(from, from + length))
        const found = core.fastqRecordStart(bytes, ahead)
        if (found === 'ambiguous') return
        const expected = starts.find(
          // A record at the first byte is not seen as one: what is before it is not known.
          (start) => start > from && start >= from + ahead && start < from + bytes.length,
        )
        expect(found).toBe(expected === undefined ? 'none' : expected - from)
      }),
      { numRuns: 500 },
    )
  })

  it('can tell as soon as a whole record is there, for sequences of letters', () => {
    const record = '@r1 x\nACGTAC\n+\n@+@+@+\n'
    for (let from = 0; from < record.length; from++) {
      const bytes = Buffer.from(record.repeat(3)).subarray(from)
      const next = from === 0 ? record.length : record.length - from
      expect(core.fastqRecordStart(bytes, 0)).toBe(next)
    }
  })

  it('says so when lines fit two readings, or none', () => {
    expect(core.fastqRecordStart(Buffer.from('IIII\n@@\n'), 0)).toBe('ambiguous')
    expect(core.fastqRecordStart(new Uint8Array(0), 0)).toBe('ambiguous')
    // Quality lines that look like headers, and sequences that look like plus lines.
    const twins = '\n@a\n+a\n+a\n@a\n@a\n+a\n+a\n@a\n'
    expect(core.fastqRecordStart(Buffer.from(twins), 0)).toBe('ambiguous')
    expect(core.fastqRecordStart(Buffer.from('\n@a\nAC\nGT\n+\nIIII\n@b\nAC\nGT\n+\n'), 0)).toBe('malformed')
    expect(core.fastqRecordStart(Buffer.from('text\nof any\nkind\nwith\nlines\n'), 0)).toBe('malformed')
  })

  it('takes no notice of blank lines at the end', () => {
    expect(core.fastqRecordStart(Buffer.from('x\n@a\nACG\n+\n@@@\n@b\nA\n+\n@\n\n\n\n'), 5)).toBe(15)
  })
})
