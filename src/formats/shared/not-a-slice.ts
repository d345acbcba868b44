import { DataplugError } from '../../errors.js'

/** What `read` throws for data that its strategies do not make. @param kind of slice that was wanted: `a FASTA slice` */
export function notASlice(data: unknown, kind: string, uri: string): DataplugError {
  const text = JSON.stringify(data)
  const excerpt = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
  return new DataplugError('INVALID_SLICE', `${excerpt} is not ${kind} of ${uri}`, { uri })
}

/** Characters: a forged slice may be of any length. */
const LONGEST = 400
