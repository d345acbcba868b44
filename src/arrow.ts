// Slices as tables of Apache Arrow, for those who have the package apache-arrow installed.
import type { Data, Table } from 'apache-arrow'
import { withRoom } from './bytes.js'
import type { Slice } from './cloud/slice.js'
import { DataplugError } from './errors.js'
import type { Column } from './formats/shared/columns.js'
import type { CallOptions } from './storage/store.js'

type Arrow = typeof import('apache-arrow')

/**
 * The records of a slice as an Arrow table of one batch: `int` is Int64, `float` Float64, `bool` Bool and `string` Utf8. Every
 * column may have nulls.
 *
 * @throws MISSING_DEPENDENCY when the package apache-arrow is not installed, UNSUPPORTED when the format has no columns or a column
 * more than 2 GiB of text, and as `slice.arrays`
 */
export async function toArrow(slice: Pick<Slice, 'arrays' | 'uri'>, options?: CallOptions): Promise<Table> {
  // Before anything is read.
  const arrow = await import('apache-arrow').catch((cause: unknown) => {
    const hint = 'toArrow needs the package apache-arrow: npm install apache-arrow'
    throw new DataplugError('MISSING_DEPENDENCY', hint, { cause })
  })
  const columns = [...(await slice.arrays(options))]
  const data = columns.map(([name, column]) => dataOf(column, arrow, `column "${name}" of ${slice.uri}`))
  const schema = new arrow.Schema(
    columns.map(([name], i) => new arrow.Field(name, (data[i] as Data).type, true)),
  )
  const type = new arrow.Struct(schema.fields)
  const length = data[0]?.length ?? 0
  const batch = new arrow.RecordBatch(schema, arrow.makeData({ type, length, nullCount: 0, children: data }))
  return new arrow.Table(schema, [batch])
}

function dataOf(column: Column, { Bool, Float64, Int64, makeData, Utf8 }: Arrow, what: string): Data {
  const { nullCount, validity = null } = column
  const common = { length: column.values.length, nullCount, nullBitmap: validity }
  switch (column.type) {
    case 'int':
      return makeData({ type: new Int64(), ...common, data: wholeNumbers(column.values) })
    case 'float':
      return makeData({ type: new Float64(), ...common, data: column.values })
    case 'bool':
      return makeData({ type: new Bool(), ...common, data: bits(column.values) })
    case 'string':
      return makeData({ type: new Utf8(), ...common, ...utf8(column.values, what) })
  }
}

function wholeNumbers(values: Float64Array): BigInt64Array {
  return BigInt64Array.from(values, (value) => (Number.isNaN(value) ? 0n : BigInt(value)))
}

function bits(values: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(values.length / 8))
  for (const [i, value] of values.entries()) packed[i >> 3] = (packed[i >> 3] ?? 0) | (value << (i & 7))
  return packed
}

const LONGEST_TEXT = 2 ** 31 - 1

/** Arrow's layout of text: all of it as UTF-8, and where each begins and the last ends. */
function utf8(values: readonly (string | null)[], what: string) {
  const encoder = new TextEncoder()
  const valueOffsets = new Int32Array(values.length + 1)
  let data = new Uint8Array(1024)
  let end = 0
  for (const [i, value] of values.entries()) {
    const text = value ?? ''
    // A UTF-16 code unit is three bytes at most.
    data = withRoom(data, end, end + text.length * 3)
    end += encoder.encodeInto(text, data.subarray(end)).written
    if (end > LONGEST_TEXT) {
      throw new DataplugError(
        'UNSUPPORTED',
        `${what} has more text than an Arrow column takes; cut smaller slices`,
      )
    }
    valueOffsets[i + 1] = end
  }
  return { valueOffsets, data: data.subarray(0, end) }
}
