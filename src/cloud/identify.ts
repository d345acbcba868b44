import { type CompressionKind, detectCompression, HEAD_SIZE } from '../compression/detect.js'
import { isDataplugError } from '../errors.js'
import { type ObjectInfo, type ReadableStore, readBytes } from '../storage/store.js'

export interface Identified {
  readonly info: ObjectInfo
  readonly compression: CompressionKind | undefined
}

/** One request tells size and ETag, and from the first bytes the compression. */
export async function identify(
  store: ReadableStore,
  uri: string,
  signal: AbortSignal | undefined,
): Promise<Identified> {
  let info: ObjectInfo | undefined
  const onInfo = (seen: ObjectInfo) => {
    info = seen
  }
  try {
    const head = await readBytes(store, uri, [0, HEAD_SIZE], { signal, onInfo })
    if (info) return { info, compression: detectCompression(head) }
  } catch (error) {
    // Too short for a gzip file, or empty.
    if (!isDataplugError(error, 'RANGE_OUTSIDE_OBJECT')) throw error
  }
  return { info: await store.head(uri, { signal }), compression: undefined }
}
