import { concat } from '../../bytes.js'

// Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), as far
// as the metadata of Parquet needs it. Values keep their types, also those of fields that nobody here knows, so that what
// was read can be written again.

export const I32 = 5
export const I64 = 6
export const LIST = 9
export const STRUCT = 12
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const DOUBLE = 7
const BINARY = 8
const SET = 10

export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftList | ThriftStruct

export interface ThriftList {
  readonly type: number
  readonly items: readonly ThriftValue[]
}

export interface ThriftField {
  readonly id: number
  readonly type: number
  readonly value: ThriftValue
}

export type ThriftStruct = readonly ThriftField[]

/** More than the metadata of any file has. */
const DEEPEST = 32

/** Reads from `bytes`, which it does not change. Throws RangeError when they are not Thrift. */
export class ThriftReader {
  at = 0
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The fields up to the end of the struct. @param id of the field before, which the first counts from */
  struct(id = 0, depth = 0): ThriftStruct {
    const fields: ThriftField[] = []
    for (let last = id; ; ) {
      const head = this.field(last)
      if (!head) return fields
      fields.push({ ...head, value: this.value(head.type, depth + 1) })
      last = head.id
    }
  }

  /** Number and type of the next field; undefined at the end of the struct. */
  field(last: number): { readonly id: number; readonly type: number } | undefined {
    const byte = this.#byte()
    if (byte === 0) return undefined
    const delta = byte >> 4
    return { id: delta === 0 ? Number(this.#zigzag()) : last + delta, type: byte & 15 }
  }

  value(type: number, depth = 0): ThriftValue {
    if (depth > DEEPEST) throw new RangeError('nested too deep')
    if (type === TRUE || type === FALSE) return type === TRUE
    if (type === BYTE) return this.#byte()
    if (type === I16 || type === I32 || type === I64) return this.#zigzag()
    if (type === DOUBLE) {
      this.at += 8
      return this.#view.getFloat64(this.at - 8, true)
    }
    if (type === BINARY) {
      const length = Number(this.#varint())
      if (length > this.bytes.length - this.at) throw new RangeError('a text ends past the end')
      this.at += length
      return this.bytes.subarray(this.at - length, this.at)
    }
    if (type === LIST || type === SET) {
      const { type: item, length } = this.list()
      const items: ThriftValue[] = []
      // In lists a boolean is a byte.
      for (let i = 0; i < length; i++) items.push(this.value(item <= FALSE ? BYTE : item, depth + 1))
      return { type: item, items }
    }
    if (type === STRUCT) return this.struct(0, depth)
    throw new RangeError(`type ${type} is not known`)
  }

  /** Type and number of the items that follow. */
  list(): { readonly type: number; readonly length: number } {
    const byte = this.#byte()
    const length = byte >> 4 === 15 ? Number(this.#varint()) : byte >> 4
    // Each item takes a byte at least.
    if (length > this.bytes.length - this.at) throw new RangeError('a list ends past the end')
    return { type: byte & 15, length }
  }

  #byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new RangeError('it ends in the middle')
    return byte
  }

  #varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, value)
    }
    throw new RangeError('a number is too long')
  }

  #zigzag(): bigint {
    const value = this.#varint()
    return (value >> 1n) ^ -(value & 1n)
  }
}

/** The bytes of a struct. */
export function writeStruct(struct: ThriftStruct): Uint8Array {
  const out: number[] = []
  const pieces: Uint8Array[] = []
  const flush = () => {
    pieces.push(Uint8Array.from(out))
    out.length = 0
  }
  const varint = (value: bigint) => {
    let rest = BigInt.asUintN(64, value)
    for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
    out.push(Number(rest))
  }
  const zigzag = (value: bigint) => varint((value << 1n) ^ (value >> 63n))
  const fields = (struct: ThriftStruct) => {
    let last = 0
    for (const { id, type, value } of struct) {
      const own = typeof value === 'boolean' ? (value ? TRUE : FALSE) : type
      const delta = id - last
      if (delta > 0 && delta < 16) out.push((delta << 4) | own)
      else {
        out.push(own)
        zigzag(BigInt(id))
      }
      write(value, own)
      last = id
    }
    out.push(0)
  }
  const write = (value: ThriftValue, type: number) => {
    if (typeof value === 'boolean') return
    if (typeof value === 'bigint') zigzag(value)
    else if (typeof value === 'number' && type === DOUBLE) {
      out.push(...new Uint8Array(Float64Array.of(value).buffer))
    } else if (typeof value === 'number') out.push(value)
    else if (value instanceof Uint8Array) {
      varint(BigInt(value.length))
      flush()
      pieces.push(value)
    } else if ('items' in value) {
      const { items, type: item } = value
      out.push((Math.min(items.length, 15) << 4) | item)
      if (items.length >= 15) varint(BigInt(items.length))
      for (const one of items) write(one, item)
    } else fields(value)
  }
  fields(struct)
  flush()
  return concat(pieces)
}

/** The value of a field, if it is there. */
export function fieldOf(struct: ThriftStruct, id: number): ThriftValue | undefined {
  return struct.find((field) => field.id === id)?.value
}

/** A field that is an integer. @throws RangeError when it is not, or not a safe one */
export function integerOf(struct: ThriftStruct, id: number): number | undefined {
  const value = fieldOf(struct, id)
  if (value === undefined) return undefined
  const number = Number(value)
  if (typeof value !== 'bigint' || !Number.isSafeInteger(number))
    throw new RangeError(`field ${id} is no integer`)
  return number
}

/** A field that is a struct. */
export function structOf(value: ThriftValue | undefined): ThriftStruct | undefined {
  return Array.isArray(value) ? (value as ThriftStruct) : undefined
}

/** The items of a field that is a list of structs; none when it is something else. */
export function structsOf(value: ThriftValue | undefined): readonly ThriftStruct[] {
  if (typeof value !== 'object' || !('items' in value)) return []
  return value.items.flatMap((item) => {
    const struct = structOf(item)
    return struct ? [struct] : []
  })
}
