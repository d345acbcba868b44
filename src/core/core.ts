import { type CountFunctions, countFunctions } from './counts.js'
import { type ChecksumFunctions, checksumFunctions } from './crc32.js'
import { type FastaFunctions, fastaFunctions } from './fasta.js'
import { type FastqFunctions, fastqFunctions } from './fastq.js'
import { type LineBlockFunctions, lineBlockFunctions } from './line-blocks.js'
import { type LineFunctions, lineFunctions } from './lines.js'
import { createMemory } from './memory.js'
import { coreModule } from './module.js'
import { type RowFunctions, rowFunctions } from './rows.js'
import { type WordFunctions, wordFunctions } from './words.js'

export type { PackCounts } from './counts.js'
export type { FastaFacts, FastaLine, FastaLines, FastaScanner } from './fasta.js'
export type { FastqDoubt, FastqFacts, FastqScanner } from './fastq.js'
export type { LineBlockCounter } from './line-blocks.js'
export { coreModule, useModule } from './module.js'
export type { RowDialect, RowLane, RowScanner, RowSearch } from './rows.js'
export type { WordCounter } from './words.js'

/**
 * The WebAssembly core. Functions take a `Uint8Array` of any length over any buffer, do not change it and
 * keep nothing of it. Counters carry their state themselves, so that how a stream is cut into pieces never
 * changes a result, and any number of them may be under way on one core.
 */
export interface Core
  extends LineFunctions,
    LineBlockFunctions,
    CountFunctions,
    WordFunctions,
    ChecksumFunctions,
    FastaFunctions,
    FastqFunctions,
    RowFunctions {
  /**
   * The input window of this instance (1 MiB). Bytes that lie in it are scanned in place instead of being
   * copied first, so a reader may be told to read into it. Any call with other bytes overwrites it: use it
   * only on an instance of your own, from `createCore`.
   */
  readonly scratch: Uint8Array<ArrayBuffer>
}

/**
 * A fresh instance, with a memory of 4 MiB of its own. Cheap: nothing is compiled.
 *
 * @throws UNSUPPORTED when `module` is not the core module of this version.
 */
export function createCore(module: WebAssembly.Module): Core {
  const memory = createMemory(module)
  const lines = lineFunctions(memory)
  return Object.freeze({
    scratch: memory.input,
    ...lines,
    ...lineBlockFunctions(memory),
    ...countFunctions(memory),
    ...wordFunctions(memory),
    ...checksumFunctions(memory),
    ...fastaFunctions(memory),
    ...fastqFunctions(memory, lines),
    ...rowFunctions(memory),
  })
}

let shared: Promise<Core> | undefined

/**
 * This thread's core, made on first use and shared by all callers.
 *
 * @throws UNSUPPORTED when WebAssembly with SIMD is missing, or compiling is forbidden.
 */
export function loadCore(): Promise<Core> {
  shared ??= coreModule()
    .then(createCore)
    .catch((error) => {
      shared = undefined
      throw error
    })
  return shared
}
