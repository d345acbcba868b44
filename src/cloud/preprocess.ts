import type { Access } from '../compression/access.js'
import { spansFor } from '../compression/access.js'
import type { Compression } from '../compression/compression.js'
import type { CompressionKind } from '../compression/detect.js'
import type { GzipIndex } from '../compression/gzip-index.js'
import { structureFromGzi } from '../compression/interop/gzi-beside.js'
import { decodeSeekTable } from '../compression/seek-table.js'
import { type Core, loadCore } from '../core/core.js'
import { DataplugError, isDataplugError } from '../errors.js'
import type { AnyFormat, Built, JsonObject, LineFacts, NoOptions, Part } from '../formats/format.js'
import { findBeside } from '../formats/shared/beside.js'
import type { Range } from '../range.js'
import { openSource } from '../storage/source.js'
import { type CallOptions, type ObjectInfo, writeContent } from '../storage/store.js'
import { basename } from '../storage/uri.js'
import type { ResolvedStorage } from './environment.js'
import type { Executor } from './executor.js'
import { inThisThread } from './in-this-thread.js'
import { encodeIndex } from './index-encode.js'
import { inlineWindows } from './inline-windows.js'
import type { Prepared } from './line.js'
import { decodePart } from './part.js'
import { removePartsIfPermitted, requireWritable } from './parts.js'
import { checkSpan, DEFAULT_SPAN } from './plan-gzip.js'
import { PREPARE_ACCESS, prepare, prepareAhead } from './prepare.js'
import { preprocessGzip, type ScannedGzip } from './preprocess-gzip.js'
import { type Progress, type Run, runAll } from './run-tasks.js'
import { openSources } from './sources.js'
import { DEFAULT_CHUNK_SIZE, DEFAULT_COMPRESSED_CHUNK_SIZE, planContentTasks, planTasks } from './task.js'

export type { Progress } from './run-tasks.js'

export interface PreprocessOptions<FormatOptions extends JsonObject = NoOptions> extends CallOptions {
  /** Where tasks run. Default: in this thread, one after the other. */
  readonly executor?: Executor | undefined
  /**
   * Bytes of the object for one task. Changes neither the index nor the memory needed. Default 64 MiB, of
   * compressed bytes 16 MiB.
   */
  readonly chunkSize?: number | undefined
  /** Bytes of content between seek points of a compressed object, about. Default 8 MiB, in BGZF 1 MiB. */
  readonly span?: number | undefined
  /**
   * What the format cannot or should not find out by itself, such as the separator of a CSV file; see each format. An
   * index that was made with other options is made anew; without any, every index will do.
   */
  readonly formatOptions?: FormatOptions | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Preprocess again although there is a fitting index. */
  readonly force?: boolean | undefined
}

/**
 * Scans the object in tasks, keeps their results until all are there, and publishes the index by one write.
 *
 * @param known the structure of a compressed object, when it need not be looked for
 */
export async function preprocess(
  format: AnyFormat,
  object: ObjectInfo,
  compression: CompressionKind | undefined,
  indexUri: string,
  storage: ResolvedStorage,
  options: PreprocessOptions<JsonObject>,
  known?: GzipIndex,
): Promise<void> {
  const {
    executor = inThisThread,
    chunkSize = DEFAULT_CHUNK_SIZE,
    span = DEFAULT_SPAN[compression ?? 'gzip'],
    onProgress,
    formatOptions,
    signal,
  } = options
  checkSpan(span)
  const core = await loadCore()
  const store = requireWritable(storage.store, indexUri)
  const run = { format, object, indexUri, storage, store, core, executor, chunkSize, onProgress, signal }
  const compressedChunkSize = options.chunkSize ?? DEFAULT_COMPRESSED_CHUNK_SIZE
  const { gzip, built, prepared } =
    known || !compression
      ? { gzip: known, ...(await build(run, known, formatOptions)) }
      : await buildCompressed(run, compression, span, compressedChunkSize, formatOptions)
  await publishIndex(format, object, indexUri, storage, built, { signal, gzip, prepared })
}

/** Finds where decoding can start, and builds the index of the content: in one pass where that takes less time. */
async function buildCompressed(
  run: Run,
  compression: CompressionKind,
  span: number,
  chunkSize: number,
  formatOptions: JsonObject | undefined,
): Promise<Prebuilt & { readonly gzip: GzipIndex }> {
  const compressed = { ...run, chunkSize }
  const ahead = compression === 'gzip' ? await prepareAhead(run, formatOptions) : undefined
  const { index: gzip, parts } = ahead
    ? await preprocessGzip(compressed, compression, span, { scan: ahead })
    : await findStructure(compressed, compression, span)
  const scanned = ahead && parts && { prepared: ahead.prepared, parts }
  return { gzip, ...(await build(run, gzip, formatOptions, scanned)) }
}

/**
 * Where decoding a compressed object can start. The blocks of BGZF are found from a .gzi beside it, or their headers,
 * when its content is scanned anyway, which inflates it all and checks it; else it is inflated here.
 */
async function findStructure(run: Run, compression: CompressionKind, span: number): Promise<ScannedGzip> {
  const { format, object, storage, core, signal } = run
  if (compression === 'bgzf' && format.scan && !format.fromLines) {
    const gzi = await findBeside(openSources(storage.store, object, core, signal), [
      `${basename(object.uri)}.gzi`,
    ])
    if (gzi)
      return { index: await structureFromGzi(openSource(storage.store, object, signal), gzi, span, signal) }
    try {
      return await preprocessGzip(run, compression, span, { headersOnly: true })
    } catch (error) {
      // Not all of it is BGZF, or it is damaged: inflating tells which, and where.
      if (!isDataplugError(error, 'MALFORMED_DATA')) throw error
    }
  }
  return preprocessGzip(run, compression, span)
}

/** Writes the index, in one piece, and removes what led to it. */
export async function publishIndex(
  format: AnyFormat,
  object: ObjectInfo,
  indexUri: string,
  { store }: ResolvedStorage,
  built: Built<unknown>,
  {
    signal,
    gzip,
    prepared,
  }: CallOptions & { readonly gzip?: GzipIndex | undefined; readonly prepared?: Prepared | undefined },
): Promise<void> {
  const core = await loadCore()
  signal?.throwIfAborted()
  const whole = { ...built, sections: { ...gzip?.sections, ...built.sections } }
  const content = encodeIndex(core, object, format, whole, gzip?.compression, prepared?.options)
  await writeContent(requireWritable(store, indexUri), indexUri, content, { signal })
  await removePartsIfPermitted(store, indexUri, { signal })
}

interface Prebuilt {
  readonly built: Built<unknown>
  readonly prepared?: Prepared | undefined
}

/** @param scanned what the format agreed on and found already */
async function build(
  run: Run,
  gzip: GzipIndex | undefined,
  formatOptions: JsonObject | undefined,
  scanned?: { readonly prepared: Prepared | undefined; readonly parts: readonly Part[] },
): Promise<Prebuilt> {
  const { format, object, storage, core, chunkSize, signal } = run
  const { scan, merge, inspect, fromLines } = format
  const table = gzip && decodeSeekTable(gzip.sections['gzip-points'] as Uint8Array, object.uri)
  const windows = gzip?.sections['gzip-windows']
  const accessTo = (ranges: readonly Range[]): { readonly access?: Access } => {
    if (!gzip || !table || !windows) return {}
    const { size } = gzip.compression
    return {
      access: { kind: 'gzip', size, spans: inlineWindows(spansFor(ranges, table, object.size), windows) },
    }
  }
  const size = gzip?.compression.size ?? object.size
  const sourcesFor = (...range: Range) =>
    openSources(storage.store, { ...object, ...accessTo([range]) }, core, signal)
  const start = () => sourcesFor(0, Math.min(size, PREPARE_ACCESS))
  const prepared = scanned ? scanned.prepared : await prepare(format, start, core, formatOptions, signal)
  const known = prepared && { prepared: prepared.result }
  const lines = gzip && lineFacts(gzip.compression)
  if (lines && fromLines) return { built: fromLines(lines), prepared }
  if (inspect) return { built: await inspect({ ...sourcesFor(0, size), core, signal, ...known }), prepared }
  if (!scan || !merge) return { built: { attributes: {} }, prepared }
  const scanAll = () => {
    const uncounted = lines ? {} : { uncounted: true as const }
    const contentOf = (ranges: readonly Range[]) => ({ ...accessTo(ranges), ...uncounted })
    const tasks = table
      ? planContentTasks(format, object, table, chunkSize, size, contentOf, prepared)
      : planTasks(format, object, chunkSize, prepared)
    // Other seek points make other tasks, and what was prepared other parts.
    const points = gzip ? String(core.crc32(gzip.sections['gzip-points'] as Uint8Array)) : ''
    return runAll(run, tasks, prepared ? `${points} ${JSON.stringify(prepared)}` : points)
  }
  const parts = scanned?.parts ?? (await scanAll())
  return { built: merge(parts, { uri: object.uri, size, lines, ...known }), prepared }
}

/** Undefined when the index was imported from one that counts no lines. */
function lineFacts({ lineFeeds, endsWithNewline, size }: Compression): LineFacts | undefined {
  if (lineFeeds === undefined || endsWithNewline === undefined) return undefined
  return { totalLines: lineFeeds + (size > 0 && !endsWithNewline ? 1 : 0), endsWithNewline }
}

/** Merges encoded parts, which must be all of them and in order. @throws INVALID_INDEX when one is damaged */
export async function buildFromParts(
  format: AnyFormat,
  object: ObjectInfo,
  encoded: readonly Uint8Array[],
  prepared?: Prepared,
): Promise<Built<unknown>> {
  if (!format.merge) {
    throw new DataplugError('UNSUPPORTED', `format ${format.name} is not preprocessed in tasks`, {
      uri: object.uri,
    })
  }
  const core: Core = await loadCore()
  return format.merge(
    encoded.map((bytes) => decodePart(bytes, core, object.uri)),
    { uri: object.uri, size: object.size, ...(prepared && { prepared: prepared.result }) },
  )
}
