import { DataplugError } from '../errors.js'

/** What `inflateRun` returns; the same list as in assembly/inflate-state.ts. */
export const NEED_INPUT = 0
export const OUTPUT_FULL = 1
export const BLOCK_START = 2
export const STREAM_END = 3

/** The rule of RFC 1951 that a stream breaks, by negative status. */
const broken: Readonly<Record<number, string>> = {
  [-1]: 'block type 3 is reserved (3.2.3)',
  [-2]: 'the length of a stored block and its complement differ (3.2.4)',
  [-3]: 'more than 286 literal/length or 30 distance codes (3.2.7)',
  [-4]: 'the code for code lengths is oversubscribed or incomplete (3.2.7)',
  [-5]: 'a repeat of code lengths has nothing to repeat or too many (3.2.7)',
  [-6]: 'a block without an end-of-block code (3.2.7)',
  [-7]: 'the literal/length code is oversubscribed or incomplete (3.2.7)',
  [-8]: 'the distance code is oversubscribed or incomplete (3.2.7)',
  [-9]: 'a literal/length code that stands for nothing (3.2.6)',
  [-10]: 'a distance code that stands for nothing (3.2.6)',
  [-11]: 'a distance that reaches before the start of the data (3.2.5)',
}

/**
 * The error for a negative status.
 *
 * @param bit bit offset in the object, from its first bit (bits of a byte count from the lowest)
 */
export function deflateError(status: number, bit: number, name: string): DataplugError {
  return malformed(`${name} is not valid deflate data at bit ${bit}: ${broken[status]}`, Math.floor(bit / 8))
}

export function malformed(message: string, offset: number): DataplugError {
  return new DataplugError('MALFORMED_DATA', message, { offset })
}
