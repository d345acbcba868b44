import { decodeBgzfBlocks } from '../compression/bgzf-blocks.js'
import { inflate } from '../compression/deflate.js'
import { HEAD_SIZE } from '../compression/detect.js'
import { foreignGzipIndex } from '../compression/interop/foreign-gzip.js'
import type { ExportedIndex, ForeignIndex, ForeignPoint } from '../compression/interop/foreign-index.js'
import { decodeGzi, encodeGzi } from '../compression/interop/gzi.js'
import { decodeGztool, encodeGztool } from '../compression/interop/gztool.js'
import { decodeIndexedGzip, encodeIndexedGzip } from '../compression/interop/indexed-gzip.js'
import { decodeSeekTable } from '../compression/seek-table.js'
import { WINDOW_SIZE } from '../core/inflater.js'
import { DataplugError } from '../errors.js'
import type { JsonObject } from '../formats/format.js'
import { openSource } from '../storage/source.js'
import { type CallOptions, readBytes } from '../storage/store.js'
import type { CloudObject } from './cloud-object.js'
import { DEFAULT_SPAN } from './plan-gzip.js'
import type { PreprocessOptions } from './preprocess.js'

/** Programs whose index can be read and written: gztool, indexed_gzip, and htslib's bgzip (`.gzi`). */
export type GzipIndexKind = 'gztool' | 'indexed_gzip' | 'gzi'

export const gzipIndexKinds: readonly GzipIndexKind[] = ['gztool', 'indexed_gzip', 'gzi']

/**
 * The index of a preprocessed gzip object, as another program's index file.
 *
 * @throws UNSUPPORTED when the object is not compressed, or `gzi` is asked for and it is not BGZF;
 * NOT_PREPROCESSED, STALE_INDEX, INVALID_INDEX
 */
export async function exportGzipIndex(
  object: CloudObject,
  kind: GzipIndexKind,
  options?: CallOptions,
): Promise<Uint8Array> {
  requireCompression(object, kind)
  const index = object.index()
  const { compression, sections } = index.header
  if (!compression)
    throw new DataplugError('INVALID_INDEX', `the index of ${object.uri} says nothing of its compression`, {
      uri: object.uri,
    })
  if (kind === 'gzi') {
    if (!sections.some(({ name }) => name === 'bgzf-blocks')) {
      throw new DataplugError(
        'UNSUPPORTED',
        `the index of ${object.uri} does not list its blocks: it was imported, or not all of the object is BGZF`,
        { uri: object.uri },
      )
    }
    const blocks = await index.section('bgzf-blocks', undefined, options)
    return encodeGzi(decodeBgzfBlocks(blocks, object.size, object.uri))
  }
  const table = decodeSeekTable(await index.section('gzip-points', undefined, options), object.uri)
  const windows = await index.section('gzip-windows', undefined, options)
  const exported: ExportedIndex = {
    storedSize: object.size,
    size: compression.size,
    span: compression.span,
    lineFeeds: compression.lineFeeds,
    points: Array.from({ length: table.length }, (_, i): ForeignPoint => {
      const { window, ...place } = table.point(i)
      return { ...place, window: () => inflate(windows.subarray(...window), WINDOW_SIZE) }
    }),
  }
  return kind === 'gztool' ? encodeGztool(exported) : encodeIndexedGzip(exported)
}

/**
 * Preprocesses a gzip object by means of another program's index, instead of searching it for seek points.
 * That index is believed: what it says of the last part of the object is checked, the rest is not. When it
 * counts lines and the format needs no more, nothing else is read; else the content is, from its seek points.
 *
 * @throws INVALID_INDEX when `bytes` are no index of that kind or not of this object; UNSUPPORTED as in
 * `exportGzipIndex`; and what `preprocess` throws
 */
export async function importGzipIndex(
  object: CloudObject,
  kind: GzipIndexKind,
  bytes: Uint8Array,
  options: PreprocessOptions<JsonObject> = {},
): Promise<void> {
  const compression = requireCompression(object, kind)
  const span = options.span ?? DEFAULT_SPAN[compression]
  const claimed = await decode(object, kind, bytes, span, options)
  const { fromLines, scan, name } = object.format
  if (claimed.lineFeeds === undefined && fromLines && !scan) {
    throw new DataplugError(
      'UNSUPPORTED',
      `the index to import, of ${object.uri}, counts no lines, and format ${name} has no other way to: preprocess it`,
      { uri: object.uri },
    )
  }
  const source = openSource(object.storage.store, object, options.signal)
  const gzip = await foreignGzipIndex(source, compression, claimed, options.signal)
  await object.buildIndex(options, gzip)
}

async function decode(
  { uri, size, etag, storage }: CloudObject,
  kind: GzipIndexKind,
  bytes: Uint8Array,
  span: number,
  { signal }: CallOptions,
): Promise<ForeignIndex> {
  if (kind === 'gztool') return decodeGztool(bytes, uri)
  if (kind === 'indexed_gzip') return decodeIndexedGzip(bytes, uri, size)
  const head = await readBytes(storage.store, uri, [0, HEAD_SIZE], { signal, ifMatch: etag })
  return decodeGzi(bytes, uri, head, size, span)
}

function requireCompression({ uri, compression }: CloudObject, kind: GzipIndexKind) {
  if (!gzipIndexKinds.includes(kind)) {
    throw new DataplugError(
      'INVALID_ARGUMENT',
      `there is no kind of index "${kind}"; there are ${gzipIndexKinds.join(', ')}`,
    )
  }
  if (compression === undefined || (kind === 'gzi' && compression !== 'bgzf')) {
    const what = compression === undefined ? 'is not compressed' : 'is not BGZF'
    throw new DataplugError('UNSUPPORTED', `${uri} ${what}: it has no index of kind ${kind}`, { uri })
  }
  return compression
}
