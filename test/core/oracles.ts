// What the kernels must equal, in the plainest JavaScript.
import fc from 'fast-check'

export const spaceBytes = [32, 9, 10, 11, 12, 13]
export const isSpace = (byte: number | undefined) =>
  byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13)

export function linePositions(bytes: Uint8Array): number[] {
  const positions: number[] = []
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) positions.push(i)
  return positions
}

export function wordCuts(bytes: Uint8Array): number[] {
  const cuts: number[] = []
  for (let q = 1; q <= bytes.length; q++) {
    const before = bytes[q - 1]
    if (!isSpace(before)) continue
    if (before === 13 && (q === bytes.length || bytes[q] === 10)) continue
    cuts.push(q)
  }
  return cuts
}

export function wordRanges(bytes: Uint8Array): number[] {
  const ranges: number[] = []
  for (let i = 0; i < bytes.length; i++) {
    if (isSpace(bytes[i])) continue
    ranges.push(i)
    while (i < bytes.length && !isSpace(bytes[i])) i++
    ranges.push(i)
  }
  return ranges
}

/** Deep equality of numbers, without the cost of `toEqual` on a hundred thousand of them. */
export function same(actual: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  if (actual.length !== expected.length) return false
  for (let i = 0; i < actual.length; i++) if (actual[i] !== expected[i]) return false
  return true
}

export function lineBlocks(bytes: Uint8Array, blockSize: number, phase: number): number[] {
  if (bytes.length === 0) return []
  const counts = new Array<number>(Math.ceil((phase + bytes.length) / blockSize)).fill(0)
  for (const at of linePositions(bytes)) {
    const block = Math.floor((phase + at) / blockSize)
    counts[block] = (counts[block] ?? 0) + 1
  }
  return counts
}

/** Lengths at which a kernel changes from vectors to their rest, and the facade from window to window. */
export const lengths = [
  ...new Set(
    [0, 16, 32, 48, 64, 128, 512, 2048, 64 * 63, 4096, 4800, 14_400, 65_536, 131_072, 262_144].flatMap((n) =>
      [n - 2, n - 1, n, n + 1, n + 2].filter((length) => length >= 0),
    ),
  ),
]

const sparse = fc.constantFrom(97, 0, 255, 0x8a, 0x0e, 0x08, 33)
const dense = fc.constantFrom(10, 13, 32, 9, 97, 0xc3)

/** Bytes of three tempers: any, mostly words, mostly white space with CR LF pairs. */
export const someBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .array(fc.oneof({ weight: 9, arbitrary: sparse }, dense), { maxLength: 1500 })
    .map((b) => Uint8Array.from(b)),
  fc.array(dense, { maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
)

/** Reproducible bytes of which a share of 1 / `every` is drawn from `special`, the others from letters. */
export function mixture(length: number, every: number, special: readonly number[], seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const drawn = state >>> 8
    bytes[i] = drawn % every === 0 ? (special[(drawn >>> 8) % special.length] ?? 0) : 97 + (drawn % 26)
  }
  return bytes
}

/** Cuts bytes at arbitrary places, empty pieces included. */
export function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
}
