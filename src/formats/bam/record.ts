// A record of a BAM (SAM specification, 4.2): u32 block_size, then 32 bytes of fixed fields, the name with its NUL,
// CIGAR, sequence, qualities and tags. Offsets here count from block_size.

/** Bytes of `block_size` and the fixed fields. */
export const FIXED = 36
/** Longer ones would fill the memory; ten times as much as the longest read in sight. */
export const LONGEST_RECORD = 1 << 28

/**
 * Bytes of the record at `at`, with its `block_size`; undefined when its fixed fields cannot be those of a record. All
 * of them must be there.
 */
export function checkedLength(view: DataView, at: number): number | undefined {
  const size = view.getUint32(at, true)
  if (size < FIXED - 4 || size > LONGEST_RECORD) return undefined
  const length = size + 4
  const bases = view.getInt32(at + 20, true)
  // Positions are not looked at: programs write nonsense for those that mean nothing.
  if (bases < 0 || view.getInt32(at + 4, true) < -1 || view.getInt32(at + 24, true) < -1) return undefined
  const nameLength = view.getUint8(at + 12)
  const cigar = view.getUint16(at + 16, true) * 4
  const needed = FIXED + nameLength + cigar + ((bases + 1) >> 1) + bases
  return nameLength > 0 && needed <= length ? length : undefined
}

/**
 * Whether the record at `at` has a position, or none, and a name without control characters, ended by NUL. All of the
 * name must be there.
 */
export function isLikely(view: DataView, at: number): boolean {
  if (view.getInt32(at + 8, true) < -1) return false
  const last = at + FIXED + view.getUint8(at + 12) - 1
  for (let i = at + FIXED; i < last; i++) {
    if (view.getUint8(i) < 0x20) return false
  }
  return view.getUint8(last) === 0
}

/** Positions `[start, end)` of the reference that a record covers, from 0, as samtools sees it: one at least. */
export function positionsOf(
  view: DataView,
  at: number,
): readonly [reference: number, start: number, end: number] {
  const start = view.getInt32(at + 8, true)
  const operations = view.getUint16(at + 16, true)
  const isMapped = (view.getUint16(at + 18, true) & 4) === 0
  let covered = 0
  for (let i = 0, p = at + FIXED + view.getUint8(at + 12); isMapped && i < operations; i++, p += 4) {
    const operation = view.getUint32(p, true)
    if (CONSUMES_REFERENCE & (1 << (operation & 15))) covered += operation >>> 4
  }
  return [view.getInt32(at + 4, true), start, start + Math.max(covered, 1)]
}

/** M, D, N, = and X of "MIDNSHP=X". */
const CONSUMES_REFERENCE = 0b110001101
