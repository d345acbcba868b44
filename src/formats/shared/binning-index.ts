import { DataplugError } from '../../errors.js'

// Indexes by position of BGZF objects: .bai (SAM specification, 5.2), .tbi and .csi (htslib's tabix.tex, CSIv1.tex).
// They put each record into the smallest bin that holds it: bins of a level are 8 times as wide as the next one's.

/** A place in a BGZF object (SAM specification, 4.1.1). */
export interface VirtualOffset {
  /** Where a block starts in the object. */
  readonly block: number
  /** Bytes of the block's content before the place. */
  readonly within: number
}

/** From the start of a record up to the start of another, or the end. */
export type VirtualRange = readonly [start: VirtualOffset, end: VirtualOffset]

/** The columns of a text whose lines are indexed, as `tabix` was told. */
export interface TabixColumns {
  /** 0 generic, 1 SAM, 2 VCF. */
  readonly preset: number
  readonly names: readonly string[]
}

export interface BinningIndex {
  readonly kind: 'bai' | 'tbi' | 'csi'
  readonly referenceCount: number
  /** Absent in .bai, and in .csi of BAM. */
  readonly tabix?: TabixColumns
  /**
   * Where the records lie that may overlap `[start, end)` (from 0) of a reference: ranges in order, that do
   * not touch. Other records lie there too.
   */
  query(reference: number, start: number, end: number): VirtualRange[]
}

interface Bin {
  readonly number: number
  /** Of the first record that overlaps the bin's start; .csi only. */
  readonly lowest: bigint
  readonly chunks: readonly (readonly [start: bigint, end: bigint])[]
}

interface Reference {
  readonly bins: ReadonlyMap<number, Bin>
  /** Of the first record that overlaps each window of 16 KiB; .bai and .tbi only. */
  readonly windows: readonly bigint[]
}

/**
 * @param bytes of the file, decompressed
 * @param name for messages
 * @throws INVALID_INDEX when it is none of the three, or contradicts itself
 */
export function parseBinningIndex(bytes: Uint8Array, name: string): BinningIndex {
  try {
    return parse(new Fields(bytes))
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new DataplugError('INVALID_INDEX', `${name} is not a .bai, .tbi or .csi: ${cause.message}`, {
      cause,
    })
  }
}

const KINDS: Readonly<Record<string, BinningIndex['kind']>> = {
  'BAI\u0001': 'bai',
  'TBI\u0001': 'tbi',
  'CSI\u0001': 'csi',
}

function parse(fields: Fields): BinningIndex {
  const kind = KINDS[fields.text(4)]
  if (!kind) throw new RangeError('it starts with none of their magics')
  let minShift = 14
  let depth = 5
  let tabix: TabixColumns | undefined
  let referenceCount: number
  if (kind === 'csi') {
    minShift = fields.count()
    depth = fields.count()
    if (minShift > 40 || depth > 10)
      throw new RangeError(`its bins have ${minShift} bits and ${depth} levels`)
    const auxiliary = fields.part(fields.count())
    if (auxiliary.left >= TABIX_FIELDS) tabix = tabixColumns(auxiliary)
    referenceCount = fields.count()
  } else {
    referenceCount = fields.count()
    if (kind === 'tbi') tabix = tabixColumns(fields)
  }
  const shape: Shape = { minShift, depth }
  // Only those that are asked for are read: a large index has millions of offsets.
  const places = Array.from({ length: fields.fitting(referenceCount, 4) }, () => skipReference(fields, kind))
  return {
    kind,
    referenceCount,
    ...(tabix ? { tabix } : {}),
    query(reference, start, end) {
      const place = places[reference]
      if (!place || start >= end) return []
      return queryBins(readReference(place.again(), kind, shape), shape, start, end)
    },
  }
}

/** Bytes of the fields before the names. */
const TABIX_FIELDS = 28

function tabixColumns(fields: Fields): TabixColumns {
  const preset = fields.u32() & 0xffff
  // Columns of name, start and end; comment character; lines to skip.
  for (let i = 0; i < 5; i++) fields.u32()
  const names = fields.text(fields.count()).split('\0')
  return { preset, names: names.slice(0, -1) }
}

/** Checks that all is there, and returns where it starts. */
function skipReference(fields: Fields, kind: BinningIndex['kind']): Fields {
  const start = fields.again()
  const binCount = fields.fitting(fields.count(), 8)
  for (let i = 0; i < binCount; i++) {
    fields.part(kind === 'csi' ? 12 : 4)
    fields.part(fields.count() * 16)
  }
  if (kind !== 'csi') fields.part(fields.count() * 8)
  return start
}

function readReference(fields: Fields, kind: BinningIndex['kind'], shape: Shape): Reference {
  const bins = new Map<number, Bin>()
  const binCount = fields.count()
  for (let i = 0; i < binCount; i++) {
    const number = fields.u32()
    const lowest = kind === 'csi' ? fields.u64() : 0n
    const chunkCount = fields.count()
    const chunks = Array.from({ length: chunkCount }, () => [fields.u64(), fields.u64()] as const)
    // The bin after the last holds statistics.
    if (number < firstBin(shape.depth + 1)) bins.set(number, { number, lowest, chunks })
  }
  const windowCount = kind === 'csi' ? 0 : fields.count()
  return { bins, windows: Array.from({ length: windowCount }, () => fields.u64()) }
}

interface Shape {
  /** Bits of a position within a smallest bin. */
  readonly minShift: number
  /** Levels below the bin that holds all. */
  readonly depth: number
}

/** Number of the first bin of a level; level 0 has one. */
function firstBin(level: number): number {
  return (8 ** level - 1) / 7
}

function parentOf(bin: number): number {
  return Math.floor((bin - 1) / 8)
}

function queryBins(reference: Reference, shape: Shape, start: number, end: number): VirtualRange[] {
  const low = lowerBound(reference, shape, start)
  const high = upperBound(reference, shape, end) ?? LAST
  const chunks: [bigint, bigint][] = []
  for (const bin of reference.bins.values()) {
    if (!overlaps(bin.number, shape, start, end)) continue
    for (const [from, to] of bin.chunks) {
      if (to > low && from < high) chunks.push([later(from, low), to < high ? to : high])
    }
  }
  chunks.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
  const joined: [bigint, bigint][] = []
  for (const chunk of chunks) {
    const last = joined.at(-1)
    if (!last || chunk[0] > last[1]) joined.push(chunk)
    else last[1] = later(last[1], chunk[1])
  }
  return joined.map(([from, to]): VirtualRange => [placeOf(from), placeOf(to)])
}

/** After every offset. */
const LAST = 1n << 64n

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function placeOf(offset: bigint): VirtualOffset {
  return { block: Number(offset >> 16n), within: Number(offset & 0xffffn) }
}

function overlaps(bin: number, { minShift, depth }: Shape, start: number, end: number): boolean {
  let level = 0
  while (bin >= firstBin(level + 1)) level++
  const width = 2 ** (minShift + 3 * (depth - level))
  const from = (bin - firstBin(level)) * width
  return from < end && from + width > start
}

/** No record before it overlaps `start` or what follows. */
function lowerBound({ bins, windows }: Reference, { minShift, depth }: Shape, start: number): bigint {
  const window = Math.floor(start / 2 ** minShift)
  if (windows.length > 0) return windows[Math.min(window, windows.length - 1)] as bigint
  // The bin of the position, or the nearest before it, or the nearest of those that hold it.
  let bin = firstBin(depth) + Math.min(window, 8 ** depth - 1)
  while (bin > 0) {
    const found = bins.get(bin)
    if (found) return found.lowest
    const firstOfParent = parentOf(bin) * 8 + 1
    bin = bin > firstOfParent ? bin - 1 : parentOf(bin)
  }
  return bins.get(0)?.lowest ?? 0n
}

/** Where the first record lies that is known to start at or after `end`; undefined when none is. */
function upperBound({ bins }: Reference, { minShift, depth }: Shape, end: number): bigint | undefined {
  const next = Math.floor((end - 1) / 2 ** minShift) + 1
  let bin = next >= 8 ** depth ? 0 : firstBin(depth) + next
  while (bin > 0) {
    // A first child is preceded by what its parent holds: nothing is known before the parent's next.
    if (bin % 8 === 1) {
      bin = parentOf(bin)
      continue
    }
    const first = bins.get(bin)?.chunks[0]
    if (first) return first[0]
    bin++
  }
  return undefined
}

/** Little-endian fields in order. @throws RangeError past the end */
class Fields {
  readonly #view: DataView
  #at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = at
  }

  /** The same fields from here on, to be read once more. */
  again(): Fields {
    return new Fields(bytesOf(this.#view), this.#at)
  }

  get left(): number {
    return this.#view.byteLength - this.#at
  }

  u32(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }

  u64(): bigint {
    this.#at += 8
    return this.#view.getBigUint64(this.#at - 8, true)
  }

  /** A count, which is not negative. */
  count(): number {
    const value = this.u32()
    if (value > 0x7fffffff) throw new RangeError('it has a negative count')
    return value
  }

  /** `count`, when that many items of `size` bytes at least can follow. */
  fitting(count: number, size: number): number {
    if (count * size > this.left) throw new RangeError(`it claims ${count} items and ends`)
    return count
  }

  part(length: number): Fields {
    if (length > this.left) throw new RangeError('it ends early')
    this.#at += length
    return new Fields(bytesOf(this.#view).subarray(this.#at - length, this.#at))
  }

  text(length: number): string {
    return new TextDecoder().decode(this.part(length).#view)
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
