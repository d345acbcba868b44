import { DataplugError } from '../../errors.js'
import type { ReadContext, Reading } from '../format.js'
import { placeOfLine } from '../shared/line-place.js'
import { decodeText, lineBatches } from '../shared/text-view.js'

/** A record as @gmod/vcf has it: `CHROM`, `POS`, `ID`, `REF`, `ALT`, `QUAL`, `FILTER`, `INFO`, `SAMPLES()` and so on. */
export type VcfRecord = import('@gmod/vcf').Variant

export interface VcfText extends Pick<Reading<unknown>, 'bytes' | 'extent'> {
  /** The header is a copy, not part of `extent`. */
  readonly isRepeated: boolean
  /** Number of the first line of `extent` in the object, from 0, if it is known. */
  readonly first: number | undefined
}

/**
 * The records of a slice, which begins with a header, in batches. Blank lines and comments (lines that start with
 * `#`) after the header are skipped.
 *
 * @throws MALFORMED_DATA with the offset of a line that is no record, where there is one; INVALID_UTF8
 */
export async function* parseVariants(text: VcfText, context: ReadContext): AsyncGenerator<VcfRecord[]> {
  const { uri } = context.main
  const { default: Parser } = await import('@gmod/vcf')
  const header: string[] = []
  let parser: InstanceType<typeof Parser> | undefined
  let before = 0

  const makeParser = () => {
    try {
      return new Parser({ header: header.join('\n') })
    } catch (cause) {
      throw new DataplugError(
        'MALFORMED_DATA',
        `the header of ${uri} is not one that @gmod/vcf can parse: ${(cause as Error).message}`,
        { uri, offset: 0, cause },
      )
    }
  }

  // The slice starts with the object's first byte, or with a copy of it.
  for await (const lines of lineBatches(decodeText(text.bytes(), { uri, offset: 0 }))) {
    const records: VcfRecord[] = []
    for (const [i, line] of lines.entries()) {
      if (!parser) {
        header.push(line)
        if (!line.startsWith('##')) parser = makeParser()
      } else if (line !== '' && line !== '\r' && !line.startsWith('#')) {
        try {
          const record = parser.parseLine(line)
          if (!Number.isFinite(record.POS)) throw new Error('its second column is no position')
          records.push(record)
        } catch (cause) {
          yield records
          const number = before + i - (text.isRepeated ? header.length : 0)
          throw await notARecord(number, line, text, context, cause)
        }
      }
    }
    before += lines.length
    if (records.length > 0) yield records
  }
}

async function notARecord(
  number: number,
  line: string,
  { extent, first }: VcfText,
  context: ReadContext,
  cause: unknown,
): Promise<DataplugError> {
  const { uri } = context.main
  const excerpt = JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line)
  const why = `is not a VCF record: ${(cause as Error).message} (${excerpt})`
  const range = await extent?.()
  if (!range) return new DataplugError('MALFORMED_DATA', `a line of ${uri} ${why}`, { uri, cause })
  const { where, offset } = await placeOfLine(number, range, first, context)
  return new DataplugError('MALFORMED_DATA', `${where} of ${uri} ${why}`, { uri, offset, cause })
}
