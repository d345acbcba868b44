import { bgzf } from '../compression/bgzf.js'

/** One record: positions `[start, end)` from 0 of a reference, and where it lies in the content. */
export interface Placed {
  readonly reference: number
  readonly start: number
  readonly end: number
  readonly from: number
  readonly to: number
}

/** Content cut into blocks of `blockSize`, and the virtual offset of a place in it. */
export function blocksOf(content: Uint8Array, blockSize: number, level = 6) {
  const bytes = bgzf(content, blockSize, level)
  const starts: number[] = []
  for (let at = 0; at < bytes.length; at += bytes.readUInt16LE(at + 16) + 1) starts.push(at)
  const virtual = (offset: number) => {
    const block = Math.floor(offset / blockSize)
    return (BigInt(starts[block] as number) << 16n) | BigInt(offset - block * blockSize)
  }
  return { bytes, virtual }
}

/** The smallest bin that holds `[start, end)`: SAM specification, 5.3, with any shift and depth (CSIv1). */
function binOf(start: number, end: number, minShift: number, depth: number): number {
  let offset = (8 ** depth - 1) / 7
  for (let level = depth, shift = minShift; level > 0; level--, shift += 3) {
    if (Math.floor(start / 2 ** shift) === Math.floor((end - 1) / 2 ** shift)) {
      return offset + Math.floor(start / 2 ** shift)
    }
    offset -= 8 ** (level - 1)
  }
  return 0
}

/** A .bai, .tbi (for VCF) or .csi as the specifications have them, not compressed. */
export function encodeBinning(
  kind: 'bai' | 'tbi' | 'csi',
  names: readonly string[],
  records: readonly Placed[],
  virtual: (offset: number) => bigint,
  { minShift = 14, depth = 5, tabix = kind === 'tbi' } = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from(`${kind.toUpperCase()}\u0001`, 'latin1')]
  const i32 = (...values: number[]) => {
    for (const value of values) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value >>> 0)
      parts.push(bytes)
    }
  }
  const u64 = (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(value)
    parts.push(bytes)
  }
  const joined = Buffer.from(names.map((name) => `${name}\0`).join(''))
  const columns = () => {
    i32(2, 1, 2, 0, 35, 0, joined.length)
    parts.push(joined)
  }
  if (kind === 'csi') {
    i32(minShift, depth, tabix ? 28 + joined.length : 0)
    if (tabix) columns()
  }
  i32(names.length)
  if (kind === 'tbi') columns()
  for (const reference of names.keys()) {
    const own = records.filter((record) => record.reference === reference)
    const bins = new Map<number, [bigint, bigint][]>()
    const windows: bigint[] = []
    for (const { start, end, from, to } of own) {
      const bin = binOf(start, end, minShift, depth)
      const chunks = bins.get(bin) ?? []
      bins.set(bin, chunks)
      const last = chunks.at(-1)
      if (last && last[1] === virtual(from)) last[1] = virtual(to)
      else chunks.push([virtual(from), virtual(to)])
      for (let w = Math.floor(start / 2 ** minShift); w <= Math.floor((end - 1) / 2 ** minShift); w++) {
        windows[w] ??= virtual(from)
      }
    }
    // Windows without records take over what comes before, as old samtools does.
    for (let w = 0; w < windows.length; w++) windows[w] ??= windows[w - 1] ?? 0n
    i32(bins.size + 1)
    const statistics = (8 ** (depth + 1) - 1) / 7 + 1
    for (const [bin, chunks] of [
      ...bins,
      [
        statistics,
        [
          [0n, 0n],
          [BigInt(own.length), 0n],
        ],
      ] as const,
    ]) {
      i32(bin)
      if (kind === 'csi') {
        let level = 0
        while (bin >= (8 ** (level + 1) - 1) / 7) level++
        const first = (bin - (8 ** level - 1) / 7) * 8 ** (depth - level)
        u64(windows[first] ?? 0n)
      }
      i32(chunks.length)
      for (const [from, to] of chunks) {
        u64(from)
        u64(to)
      }
    }
    if (kind === 'csi') continue
    i32(windows.length)
    for (const offset of windows) u64(offset)
  }
  u64(0n)
  return Buffer.concat(parts)
}
