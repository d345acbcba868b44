import fc from 'fast-check'

/** A record to be encoded (SAM specification, 4.2). */
export interface BamRecordFields {
  readonly name: string
  readonly flag: number
  /** -1 for none. */
  readonly reference: number
  /** From 0; -1 for none. */
  readonly position: number
  /** Lengths and operations of "MIDNSHP=X". */
  readonly cigar: readonly (readonly [length: number, operation: string])[]
  readonly bases: string
  /** Bytes of tags. */
  readonly tags: Uint8Array
}

const OPERATIONS = 'MIDNSHP=X'

export function encodeBamRecord(record: BamRecordFields): Buffer {
  const { name, flag, reference, position, cigar, bases, tags } = record
  const fixed = Buffer.alloc(36)
  const packed = Buffer.alloc((bases.length + 1) >> 1)
  for (const [i, base] of [...bases].entries()) {
    packed[i >> 1] = (packed[i >> 1] ?? 0) | ('=ACMGRSVTWYHKDBN'.indexOf(base) << (i % 2 === 0 ? 4 : 0))
  }
  const operations = Buffer.alloc(cigar.length * 4)
  for (const [i, [length, operation]] of cigar.entries()) {
    operations.writeUInt32LE((length << 4) | OPERATIONS.indexOf(operation), i * 4)
  }
  const variable = [Buffer.from(`${name}\0`), operations, packed, Buffer.alloc(bases.length, 30), tags]
  const length = variable.reduce((sum, part) => sum + part.length, 36)
  fixed.writeUInt32LE(length - 4, 0)
  fixed.writeInt32LE(reference, 4)
  fixed.writeInt32LE(position, 8)
  fixed.writeUInt8(name.length + 1, 12)
  fixed.writeUInt8(60, 13)
  fixed.writeUInt16LE(4680, 14)
  fixed.writeUInt16LE(cigar.length, 16)
  fixed.writeUInt16LE(flag, 18)
  fixed.writeInt32LE(bases.length, 20)
  fixed.writeInt32LE(-1, 24)
  fixed.writeInt32LE(-1, 28)
  return Buffer.concat([fixed, ...variable])
}

export function encodeBamHeader(
  text: string,
  references: readonly (readonly [name: string, length: number])[],
): Buffer {
  const i32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return bytes
  }
  const encoded = Buffer.from(text)
  return Buffer.concat([
    Buffer.from('BAM\u0001'),
    i32(encoded.length),
    encoded,
    i32(references.length),
    ...references.flatMap(([name, length]) => [
      i32(Buffer.byteLength(name) + 1),
      Buffer.from(`${name}\0`),
      i32(length),
    ]),
  ])
}

/** Where the record ends on its reference, as samtools has it. */
export function endOf({ flag, position, cigar }: BamRecordFields): number {
  const covered = cigar.reduce(
    (sum, [length, operation]) => sum + ('MDN=X'.includes(operation) ? length : 0),
    0,
  )
  return position + Math.max(1, (flag & 4) === 0 ? covered : 0)
}

/** Records of all sizes; tags that look like a record to those who guess. */
export const bamRecord: fc.Arbitrary<BamRecordFields> = fc
  .record({
    id: fc.nat(9999),
    flag: fc.constantFrom(0, 16, 4, 99, 147),
    reference: fc.integer({ min: -1, max: 2 }),
    position: fc.oneof(fc.nat(400), fc.nat(60_000), fc.nat(2_000_000)),
    cigar: fc.array(fc.tuple(fc.integer({ min: 1, max: 90 }), fc.constantFrom(...OPERATIONS)), {
      maxLength: 4,
    }),
    length: fc.oneof({ weight: 9, arbitrary: fc.nat(80) }, { weight: 1, arbitrary: fc.nat(9000) }),
    tail: fc.constantFrom('none', 'zeros', 'record'),
  })
  .map(({ id, flag, reference, position, cigar, length, tail }) => {
    const record = {
      name: `r${id}`,
      flag,
      reference,
      position: reference === -1 ? -1 : position,
      cigar,
      bases: 'ACGTN'.repeat(Math.ceil(length / 5)).slice(0, length),
      tags: new Uint8Array(0),
    }
    const inside = tail === 'zeros' ? Buffer.alloc(50) : encodeBamRecord(record)
    const size = Buffer.alloc(4)
    size.writeUInt32LE(inside.length)
    const tags = tail === 'none' ? record.tags : Buffer.concat([Buffer.from('XXBC'), size, inside])
    return { ...record, tags }
  })
