import { fromBase64 } from '../base64.js'
import { decodeGzipPart, type EncodedGzipPart } from '../compression/gzip-part-codec.js'
import { scanGzip } from '../compression/gzip-scan.js'
import type { GzipPart } from '../core/gzip-part.js'
import { DataplugError } from '../errors.js'
import type { Chunk, Part } from '../formats/format.js'
import { openSource, type Source, sourceOf } from '../storage/source.js'
import type { ReadableStore } from '../storage/store.js'
import type { TaskLine } from './line.js'

/** What a format's `scan` does with a chunk. */
export type ContentScan = (chunk: Chunk) => Promise<Part>

/** The result of a gzip task, taken apart. */
export interface GzipTaskResult {
  /** Undefined when the task found no block to start with. */
  readonly gzip: GzipPart | undefined
  /** What the format found in the content; null when it failed, undefined when it was not asked. */
  readonly scanned: Part | null | undefined
}

/** The result of a gzip task as it travels. */
export type GzipTaskPart = Part & Partial<EncodedGzipPart>

/** Names of what `scan` found begin with this in the task's part, beside which `scanned` is true; false when it failed. */
const SCANNED = 'scan.'

/** @param scan takes in the content while it is decoded, when the task says where that starts */
export async function runGzipTask(
  task: TaskLine,
  store: ReadableStore,
  scan: ContentScan | undefined,
  signal: AbortSignal | undefined,
): Promise<GzipTaskPart> {
  const { range, span = 0, from, compression = 'gzip', headersOnly = false } = task
  const known = from && { bit: from.bit, window: fromBase64(from.window) }
  const source = openSource(store, task, signal)
  const giveContent = scan !== undefined
  const decoding = scanGzip(source, {
    kind: compression,
    range,
    span,
    from: known,
    headersOnly,
    giveContent,
    signal,
  })
  const content = follow(decoding, task.content ?? 0)
  try {
    const scanned = scan && (await scanContent(task, source, content, scan, signal))
    return { ...(await content.finish()), ...scanned }
  } finally {
    await decoding.return(undefined)
  }
}

export function readGzipTask(part: Part): GzipTaskResult {
  if (part.facts === undefined) return { gzip: undefined, scanned: undefined }
  const scanned = Object.entries(part)
    .filter(([name]) => name.startsWith(SCANNED))
    .map(([name, value]) => [name.slice(SCANNED.length), value])
  return {
    gzip: decodeGzipPart(part as EncodedGzipPart),
    scanned: part.scanned === true ? Object.fromEntries(scanned) : part.scanned === false ? null : undefined,
  }
}

async function scanContent(
  task: TaskLine,
  stored: Source,
  content: Following,
  scan: ContentScan,
  signal: AbortSignal | undefined,
): Promise<Part> {
  const chunk: Chunk = {
    source: unread(stored),
    get range() {
      return [task.content ?? 0, content.position] as const
    },
    signal,
    compressed: true,
    linesKnown: true,
    prepared: task.prepared?.result,
    sibling: () => Promise.reject(unindexed(stored.uri)),
    stream: content.stream,
  }
  try {
    const part = await scan(chunk)
    // What looked at a part only knew no end of its range.
    if (!content.ended) return { scanned: false }
    const found = Object.entries(part).map(([name, value]) => [`${SCANNED}${name}`, value])
    return { scanned: true, ...Object.fromEntries(found) }
  } catch {
    // Should the stream turn out to be damaged, that is what will be reported. If not, the scan of the indexed object
    // fails once more.
    return { scanned: false }
  }
}

/** The object's content, which can only be followed. Its size is not known yet. */
function unread({ uri, etag }: Source): Source {
  return sourceOf({ uri, etag, size: Number.MAX_SAFE_INTEGER }, () => {
    throw unindexed(uri)
  })
}

/** What a format gets that asks for more than it said it would. */
function unindexed(uri: string): DataplugError {
  const message = `nothing but the stream of ${uri} can be read before it is indexed`
  return new DataplugError('UNSUPPORTED', message, { uri })
}

interface Following {
  /** Offset in the content of what comes next. */
  readonly position: number
  /** Whether nothing comes. */
  readonly ended: boolean
  /** The content from there on. */
  stream(): AsyncGenerator<Uint8Array, void, undefined>
  /** Decodes what `stream` was not asked for. @throws what `stream` threw */
  finish(): Promise<EncodedGzipPart | undefined>
}

function follow(decoding: ReturnType<typeof scanGzip>, start: number): Following {
  let position = start
  let outcome: { readonly part: EncodedGzipPart | undefined } | { readonly error: unknown } | undefined

  async function next(): Promise<Uint8Array | undefined> {
    if (outcome) return undefined
    try {
      const { done, value } = await decoding.next()
      if (done) {
        outcome = { part: value }
        return undefined
      }
      position += value.length
      return value
    } catch (error) {
      outcome = { error }
      throw error
    }
  }

  return {
    get position() {
      return position
    },
    get ended() {
      return outcome !== undefined
    },
    async *stream() {
      for (let piece = await next(); piece; piece = await next()) yield piece
    },
    async finish() {
      while (!outcome) await next()
      if ('error' in outcome) throw outcome.error
      return outcome.part
    },
  }
}
