import { DataplugError } from '../../errors.js'
import type { Json, ReadContext, Reading } from '../format.js'
import { type LinePlace, placeOfLine } from '../shared/line-place.js'
import { firstLine, type TextSlice } from '../shared/text-slice.js'
import { decodeText, lineBatches } from '../shared/text-view.js'
import { whatIsWrong } from './faults.js'

/** JavaScript strings end at about 2^29 characters; a line that long is no record. */
const LONGEST_LINE = 1 << 28

/**
 * The values of a slice's lines, in batches. Lines of nothing but white space are skipped.
 *
 * @param longestLine in UTF-16 code units, so that an object without line feeds cannot fill the memory
 * @throws MALFORMED_DATA with the offset of a line that is not one JSON value or too long; INVALID_UTF8
 */
export async function* parseValues(
  reading: Reading<never>,
  slice: TextSlice,
  context: ReadContext,
  longestLine = LONGEST_LINE,
): AsyncGenerator<Json[]> {
  const { uri } = context.main
  const origin = { uri, offset: reading.textOffset ?? 0 }
  let before = 0
  const place = (line: number) => locate(line, reading, slice, context)
  const pieces = limitLines(decodeText(reading.bytes(), origin), longestLine, async (line) => {
    const { where, offset } = await place(line)
    const message =
      `${where} of ${uri} has more than ${longestLine} characters: ` +
      'JSON Lines has one value on each line, separated by line feeds'
    return new DataplugError('MALFORMED_DATA', message, { uri, offset })
  })
  for await (const lines of lineBatches(pieces)) {
    const values: Json[] = []
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as string
      try {
        values.push(JSON.parse(line) as Json)
      } catch (cause) {
        if (BLANK.test(line)) continue
        // What came before the faulty line is good.
        yield values
        const { where, offset } = await place(before + i)
        throw new DataplugError('MALFORMED_DATA', `${where} of ${uri} ${whatIsWrong(line, cause)}`, {
          uri,
          offset,
          cause,
        })
      }
    }
    before += lines.length
    if (values.length > 0) yield values
  }
}

const BLANK = /^[ \t\r]*$/

/** Passes pieces on until a line gets too long. */
async function* limitLines(
  pieces: AsyncIterable<string>,
  longest: number,
  tooLong: (line: number) => Promise<DataplugError>,
): AsyncGenerator<string> {
  let open = 0
  let lines = 0
  for await (const piece of pieces) {
    for (let at = piece.indexOf('\n'); at !== -1; at = piece.indexOf('\n', at + 1)) lines++
    const last = piece.lastIndexOf('\n')
    open = last === -1 ? open + piece.length : piece.length - last - 1
    if (open > longest) throw await tooLong(lines)
    yield piece
  }
}

async function locate(
  line: number,
  reading: Reading<never>,
  slice: TextSlice,
  context: ReadContext,
): Promise<LinePlace> {
  const range = (await reading.extent?.()) ?? slice.range
  return placeOfLine(line, range, firstLine(slice), context)
}
