import { isDataplugError } from '../../errors.js'
import type { Source } from '../../storage/source.js'
import { deflate } from '../deflate.js'
import type { CompressionKind } from '../detect.js'
import type { GzipIndex } from '../gzip-index.js'
import { type GzipTail, readTail } from '../gzip-tail.js'
import { type BuiltPoint, encodeSeekTable } from '../seek-table.js'
import { checkForeign, type ForeignIndex, type ForeignPoint, invalidForeign } from './foreign-index.js'

/**
 * The index of a gzip object, from one of another program. That is believed: what it says of the last part of the
 * object is checked, the rest is not.
 *
 * @param source the object as it is stored
 * @throws INVALID_INDEX when it is not of this object
 */
export async function foreignGzipIndex(
  source: Source,
  kind: CompressionKind,
  claimed: ForeignIndex,
  signal: AbortSignal | undefined,
): Promise<GzipIndex> {
  const foreign = checkForeign(claimed, source.size, source.uri)
  const last = foreign.points.at(-1) as ForeignPoint
  const tail = await checkTail(source, foreign, last, signal)
  const points: BuiltPoint[] = []
  for (const { bit, content, lineFeeds, window } of foreign.points) {
    points.push({ bit, content, lineFeeds, window: await deflate(await window()) })
  }
  const encoded = encodeSeekTable(points)
  const size = last.content + tail.size
  return {
    compression: {
      kind,
      size,
      ...(foreign.lineFeeds === undefined ? {} : { lineFeeds: last.lineFeeds + tail.lineFeeds }),
      endsWithNewline: tail.last === 10,
      span: Math.ceil(size / points.length),
    },
    sections: { 'gzip-points': encoded.points, 'gzip-windows': encoded.windows },
  }
}

/** Decodes what follows the last point, and compares it with what the index says. */
async function checkTail(
  source: Source,
  { size, lineFeeds }: ForeignIndex,
  last: ForeignPoint,
  signal: AbortSignal | undefined,
): Promise<GzipTail> {
  const { uri } = source
  const window = await last.window()
  const tail = await readTail(source, { bit: last.bit, window }, signal).catch((cause: unknown) => {
    if (!isDataplugError(cause, 'MALFORMED_DATA')) throw cause
    throw invalidForeign(uri, `is wrong about its last point: ${cause.message}`, cause)
  })
  if (size !== undefined && size !== last.content + tail.size)
    throw invalidForeign(
      uri,
      `says that there are ${size} bytes of content; there are ${last.content + tail.size}`,
    )
  if (lineFeeds !== undefined && lineFeeds !== last.lineFeeds + tail.lineFeeds)
    throw invalidForeign(
      uri,
      `says that there are ${lineFeeds} line feeds; there are ${last.lineFeeds + tail.lineFeeds}`,
    )
  return tail
}
