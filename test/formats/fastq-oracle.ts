import fc from 'fast-check'
import type { FastqAttributes, FastqRecord } from '../../src/formats/fastq.js'

export interface Parsed {
  readonly attributes: FastqAttributes
  readonly records: readonly FastqRecord[]
}

/** Line by line and record by record, straight from the definition; the number of the first read that is none. */
export function parseFastq(text: string): Parsed | number {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const clean = lines.map((line) => line.replace(/\r$/, ''))
  const records: FastqRecord[] = []
  for (let i = 0; i < clean.length && clean.slice(i).some((line) => line !== ''); i += 4) {
    const [header, sequence, plus, quality] = clean.slice(i, i + 4)
    if (header?.[0] !== '@' || plus?.[0] !== '+' || sequence === undefined) return records.length + 1
    if (sequence.length !== quality?.length) return records.length + 1
    const [, id = '', description = ''] = /^@([^ \t]*)(?:[ \t](.*))?$/.exec(header) ?? []
    records.push({ id, description, sequence, quality })
  }
  const lengths = records.map(({ sequence }) => sequence.length)
  return {
    records,
    attributes: {
      totalReads: records.length,
      totalBases: lengths.reduce((sum, length) => sum + length, 0),
      minReadLength: lengths.length > 0 ? Math.min(...lengths) : 0,
      maxReadLength: Math.max(0, ...lengths),
    },
  }
}

const letters = (from: string, length: number, seed: number) =>
  Array.from({ length }, (_, i) => from[(i * 7 + seed) % from.length]).join('')

/** FASTQ in which every rare thing is common: quality that opens with `@` and `+`, empty reads, no final newline. */
export const fastqText = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.oneof({ weight: 6, arbitrary: fc.nat(20) }, fc.nat(700)),
        fc.nat(99),
        fc.constantFrom('', ' 1:N:0', '\tx y', ' '),
        fc.constantFrom('+', '+', '+again'),
      ),
      { maxLength: 60 },
    ),
    fc.constantFrom('\n', '\n', '\r\n'),
    fc.constantFrom('', 'blank', 'open'),
  )
  .map(([reads, newline, end]) => {
    const text = reads
      .map(([length, seed, description, plus]) =>
        [
          `@r${seed}${description}`,
          letters('ACGTN', length, seed),
          plus,
          letters('@+I5', length, seed),
          '',
        ].join(newline),
      )
      .join('')
    if (end === 'blank') return text + newline.repeat(3)
    // Without its line feed, an empty last line would not be there.
    const last = reads.at(-1)
    return end === 'open' && last && last[0] > 0 ? text.slice(0, -newline.length) : text
  })
