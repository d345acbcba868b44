/**
 * The WebAssembly core for direct use on bytes, without objects, slices or stores. Every function works
 * on a `Uint8Array` of any length (a `Buffer` too), leaves it unchanged and copies it through a window of
 * WebAssembly memory. Each compiles the core when it is the first to be called, about a millisecond; where
 * compiling at once is refused, as on some browsers' main threads, await `init()` before.
 */
import { type Core, createCore, type FastqDoubt, loadCore } from './core/core.js'
import { type Gunzip, type GunzipOptions, pooledGunzip } from './core/gunzip.js'
import { coreModuleSync } from './core/module.js'
import { wasmBase64 } from './core/wasm.generated.js'

export type {
  Core,
  FastqDoubt,
  FastqFacts,
  FastqScanner,
  LineBlockCounter,
  WordCounter,
} from './core/core.js'
export { coreModule, createCore, useModule } from './core/core.js'
export type { Gunzip, GunzipOptions } from './core/gunzip.js'
export { type ErrorCode, isDataplugError } from './errors.js'

let core: Core | undefined

/**
 * Compiles the core without blocking, or uses the module given to `useModule`.
 *
 * @returns the core behind the functions of this module
 * @throws UNSUPPORTED when WebAssembly with SIMD is missing, or compiling is forbidden.
 */
export async function init(): Promise<Core> {
  const loaded = await loadCore()
  core ??= loaded
  return core
}

/** As `init`, at once. */
export function initSync(): Core {
  core ??= createCore(coreModuleSync(wasmBase64))
  return core
}

/** Number of line feeds, as `wc -l` counts: a last line without one is not counted. */
export function countLines(bytes: Uint8Array): number {
  return initSync().countLines(bytes)
}

/**
 * Offset of each line feed, ascending. May be a view of a slightly longer buffer.
 *
 * @throws INVALID_ARGUMENT for more than 4 GiB.
 */
export function linePositions(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return initSync().linePositions(bytes)
}

/**
 * Offset just after the n-th line feed, counted from 1; -1 when there are fewer.
 *
 * @throws INVALID_ARGUMENT unless n is an integer from 1.
 */
export function nthLine(bytes: Uint8Array, n: number): number {
  return initSync().nthLine(bytes, n)
}

/** Smallest q in [max(from, 1), bytes.length] with a line feed at q - 1; -1 when there is none. */
export function firstLineCut(bytes: Uint8Array, from = 0): number {
  return initSync().firstLineCut(bytes, from)
}

/** Largest q in [1, bytes.length] with a line feed at q - 1; -1 when there is none. */
export function lastLineCut(bytes: Uint8Array): number {
  return initSync().lastLineCut(bytes)
}

/**
 * Counts the line feeds of each block of a stream: `update(bytes)` for each piece, `finish()` for the
 * counts, one u16 for each block touched.
 *
 * @param blockSize bytes; a multiple of 64, at most 65 472
 * @param phase offset of the stream's first byte within its block
 * @throws INVALID_ARGUMENT
 */
export function lineBlockCounter(blockSize: number, phase = 0): ReturnType<Core['lineBlockCounter']> {
  return initSync().lineBlockCounter(blockSize, phase)
}

/** Number of words: maximal runs of bytes other than space, \t, \n, \v, \f and \r. */
export function countWords(bytes: Uint8Array): number {
  return initSync().countWords(bytes)
}

/** Counts the words of a stream: `update(bytes)` for each piece, `finish()` for the number. */
export function wordCounter(): ReturnType<Core['wordCounter']> {
  return initSync().wordCounter()
}

/**
 * The words as half-open ranges: start and end of the first, start and end of the second, and so on. May
 * be a view of a slightly longer buffer.
 *
 * @throws INVALID_ARGUMENT for more than 4 GiB.
 */
export function wordRanges(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return initSync().wordRanges(bytes)
}

/**
 * Smallest q in [max(from, 1), bytes.length] with white space at q - 1, except between CR and LF and behind a
 * CR that ends the bytes; -1 when there is none.
 */
export function firstWordCut(bytes: Uint8Array, from = 0): number {
  return initSync().firstWordCut(bytes, from)
}

/** As `firstWordCut`, the largest in [1, bytes.length]. */
export function lastWordCut(bytes: Uint8Array): number {
  return initSync().lastWordCut(bytes)
}

/**
 * Offset of the first FASTQ record that starts at or after `from`, in bytes that begin and end anywhere; what
 * comes before the first line feed decides nothing. `ambiguous`: too few lines to tell, give more bytes. `none`: no
 * record starts there. `malformed`: the lines are no records of four lines.
 */
export function fastqRecordStart(bytes: Uint8Array, from = 0): number | FastqDoubt {
  return initSync().fastqRecordStart(bytes, from)
}

/**
 * CRC-32 (gzip, PNG, ZIP): unsigned, equal to `zlib.crc32`. `seed` is the CRC-32 of what came before.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return initSync().crc32(bytes, seed)
}

/**
 * A decoder for a gzip object that is pushed piece by piece, from its start or from a seek point: all
 * members, checksums verified, zero padding accepted. It has 4 MiB of memory of its own, whatever it decodes.
 *
 *     for (const piece of decoder.push(bytes)) use(piece)   // valid until the next
 *     decoder.finish()
 *     decoder.close()
 *
 * @throws MALFORMED_DATA (from push and finish) with the byte or bit offset of whatever is wrong
 */
export function createGunzip(options: GunzipOptions = {}): Gunzip {
  return pooledGunzip(coreModuleSync(wasmBase64), options)
}
