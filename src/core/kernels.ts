import { DataplugError } from '../errors.js'
import { type InflateKernels, inflateNames } from './inflate-kernels.js'

/**
 * The exports of `core.wasm`, as `assembly/index.ts` declares them. Pointers are byte offsets into
 * `memory`; every result is one number, signed as WebAssembly's i32.
 */
export interface Kernels extends InflateKernels {
  readonly memory: WebAssembly.Memory
  init(): void
  inputPointer(): number
  inputCapacity(): number
  outputPointer(): number
  outputCapacity(): number
  countLines(p: number, n: number): number
  lineCountsPerBlock(p: number, blocks: number, blockSize: number, out: number): void
  linePositions(p: number, n: number, base: number, out: number): number
  countsPointer(): number
  packCounts(n: number): number
  nthLine(p: number, n: number, k: number): number
  lastLine(p: number, n: number): number
  firstWordCut(p: number, n: number): number
  lastWordCut(p: number, n: number): number
  countWords(p: number, n: number, inWord: number): number
  wordBoundaries(p: number, n: number, inWord: number, base: number, out: number): number
  crc32(p: number, n: number, seed: number): number
  bgzfState(): number
  bgzfRun(p: number, n: number, stop: number, content: number, inflate: number): number
  fastaState(): number
  fastaReset(): void
  fastaScan(p: number, n: number): number
  fastqState(): number
  fastqReset(): void
  fastqScan(p: number, n: number): void
  fastqPhase(): number
  csvState(): number
  csvSimplest(state: number, byte: number): number
  csvNth(p: number, n: number, k: number): number
  csvScan(p: number, n: number, first: number): number
}

const names: readonly (keyof Kernels)[] = [
  'memory',
  'init',
  'inputPointer',
  'inputCapacity',
  'outputPointer',
  'outputCapacity',
  'countLines',
  'lineCountsPerBlock',
  'linePositions',
  'countsPointer',
  'packCounts',
  'nthLine',
  'lastLine',
  'firstWordCut',
  'lastWordCut',
  'countWords',
  'wordBoundaries',
  'crc32',
  'bgzfState',
  'bgzfRun',
  'fastaState',
  'fastaReset',
  'fastaScan',
  'fastqState',
  'fastqReset',
  'fastqScan',
  'fastqPhase',
  'csvState',
  'csvSimplest',
  'csvNth',
  'csvScan',
  ...inflateNames,
]

function isKernels(exports: object): exports is Kernels {
  return names.every((name) => name in exports)
}

/**
 * A fresh instance with a memory of its own.
 *
 * @throws UNSUPPORTED when `module` is not the core module of this version.
 */
export function instantiate(module: WebAssembly.Module): Kernels {
  const { exports } = new WebAssembly.Instance(module)
  if (!isKernels(exports)) {
    throw new DataplugError(
      'UNSUPPORTED',
      'this WebAssembly module is not the core of this version of dataplug: pass a compiled "dataplug/core.wasm"',
    )
  }
  exports.init()
  return exports
}
