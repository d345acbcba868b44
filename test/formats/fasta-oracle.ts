import fc from 'fast-check'

export interface OracleSequence {
  readonly name: string
  readonly start: number
  readonly sequence: number
  readonly end: number
  readonly header: string
  readonly residues: string
  /** Its row of `.fai`; undefined when samtools leaves it out, or refuses the file because of it. */
  readonly fai: string | undefined
  readonly refused: boolean
  /**
   * The first line has no residues though not all lines are blank: samtools writes a row with LINEBASES 0, by which it
   * divides when it reads. Here the file is refused.
   */
  readonly noLineBases: boolean
}

/** Line by line, straight from the definition; the offset of the first line that is none before a header. */
export function parseFasta(text: string): readonly OracleSequence[] | number {
  const sequences: OracleSequence[] = []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  let header: string | undefined
  let start = 0
  let body: string[] = []
  let at = 0
  const close = () => {
    if (header === undefined) return
    const name = /^>[ \t\v\f\r]*([^ \t\v\f\r]*)/.exec(header)?.[1] ?? ''
    const sequence = Math.min(start + header.length + 1, text.length)
    const residues = body.join('').replace(/[^!-~]/g, '')
    const geometry = faidx(body)
    const noLineBases = hasNoLineBases(body)
    const fai =
      geometry === 'refused' || geometry === 'left out'
        ? undefined
        : [name, residues.length, sequence, geometry[0], geometry[1]].join('\t')
    sequences.push({
      name,
      start,
      sequence,
      end: at,
      header,
      residues,
      fai,
      refused: geometry === 'refused' || noLineBases,
      noLineBases,
    })
  }
  for (const line of lines) {
    if (line.startsWith('>')) {
      close()
      header = line
      start = at
      body = []
    } else {
      if (header === undefined && line !== '' && line !== '\r') return at
      body.push(line)
    }
    at = Math.min(at + line.length + 1, text.length)
  }
  close()
  return sequences
}

/** LINEBASES and LINEWIDTH as htslib's faidx.c tells them. */
function faidx(lines: readonly string[]): 'refused' | 'left out' | readonly [number, number] {
  let bases = 0
  let width = 0
  let ended = false
  for (const line of lines) {
    if (line === '') ended = true
    else if (ended) {
      if (line !== '\r') return 'refused'
    } else if (width === 0) {
      width = line.length + 1
      bases = line.replace(/[^!-~]/g, '').length
    } else if (line.length + 1 > width) return 'refused'
    else if (line.length + 1 < width) ended = true
  }
  return width === 0 ? 'left out' : [bases, width]
}

function hasNoLineBases(lines: readonly string[]): boolean {
  return !/[!-~]/.test(lines[0] ?? '') && lines.some((line) => line !== '' && line !== '\r')
}

/** What `samtools faidx` writes; undefined where it refuses. It also refuses files without any row or without a last one. */
export function faiOf(sequences: readonly OracleSequence[]): string | undefined {
  if (sequences.some(({ refused }) => refused)) return undefined
  const seen = new Set<string>()
  let out = ''
  for (const { name, fai } of sequences) {
    if (fai === undefined || seen.has(name)) continue
    seen.add(name)
    out += `${fai}\n`
  }
  return out
}

const residue = fc.constantFrom('A', 'C', 'g', 't', 'N', '-', '*')
const chars = (unit: fc.Arbitrary<string>, maxLength: number) => fc.string({ unit, maxLength })

/** A sequence with lines of equal length, most of the time. */
const wrapped = fc
  .record({
    name: chars(fc.constantFrom('a', 'b', '1', ':', '|', '>'), 4),
    description: fc.option(chars(fc.constantFrom('x', ' ', '>', '\t', 'é'), 6), { nil: undefined }),
    sequence: chars(residue, 400),
    width: fc.integer({ min: 1, max: 90 }),
    crlf: fc.boolean(),
    after: fc.constantFrom('', '', '', '\n', '\r\n', '\n\n'),
  })
  .map(({ name, description, sequence, width, crlf, after }) => {
    const eol = crlf ? '\r\n' : '\n'
    const lines = sequence.match(new RegExp(`.{1,${width}}`, 'g')) ?? []
    return (
      `>${name}${description === undefined ? '' : ` ${description}`}${eol}` +
      lines.map((line) => line + eol).join('') +
      after
    )
  })

const odd = chars(fc.constantFrom('A', 'C', '>', '\n', '\r', ' ', '\n', 'é', '\x00'), 30).map(
  (text) => `>${text}\n`,
)

/** FASTA of all kinds, as a string of bytes (latin1). */
export const fastaText = fc
  .record({
    before: fc.constantFrom('', '', '\n', '\r\n'),
    sequences: fc.array(fc.oneof({ weight: 5, arbitrary: wrapped }, { weight: 1, arbitrary: odd }), {
      maxLength: 12,
    }),
    ends: fc.boolean(),
  })
  .map(({ before, sequences, ends }) => {
    const text = Buffer.from(before + sequences.join('')).toString('latin1')
    return ends ? text : text.replace(/\n$/, '')
  })
