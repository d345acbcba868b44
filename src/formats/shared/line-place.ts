import type { Range } from '../../range.js'
import type { ReadContext } from '../format.js'

/** Where a line lies, for messages. */
export interface LinePlace {
  /** `line 12 (byte 3456)`, or `the line at byte 3456` when its number is not known. */
  readonly where: string
  readonly offset: number
}

/**
 * Where line `line` of a slice of whole lines begins, from 0. Reads the slice again, so that lines that are good need
 * not be counted in bytes.
 *
 * @param range that the slice delivers
 * @param first number of the slice's first line in the object, from 0, if it is known
 */
export async function placeOfLine(
  line: number,
  range: Range,
  first: number | undefined,
  { main, core }: ReadContext,
): Promise<LinePlace> {
  let [offset] = range
  let left = line
  if (left > 0) {
    for await (const piece of main.read(range)) {
      const cut = core.nthLine(piece, left)
      offset += cut === -1 ? piece.length : cut
      if (cut !== -1) break
      left -= core.countLines(piece)
    }
  }
  const where =
    first === undefined ? `the line at byte ${offset}` : `line ${first + line + 1} (byte ${offset})`
  return { where, offset }
}
