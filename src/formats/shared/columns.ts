interface Nulls {
  readonly nullCount: number
  /** Bit `i % 8` of byte `i >> 3` is 1 where value `i` is there, as in Arrow. Absent when all are. */
  readonly validity?: Uint8Array
}

/** The values of one column, in the order of the rows. */
export type Column = Nulls &
  (
    | {
        readonly type: 'int' | 'float'
        /** `NaN` where there is none. Whole numbers are exact. */
        readonly values: Float64Array
      }
    | {
        readonly type: 'bool'
        /** 1 or 0; 0 where there is none. */
        readonly values: Uint8Array
      }
    | { readonly type: 'string'; readonly values: readonly (string | null)[] }
  )

/** Columns of the same length by name, in the order of the object. */
export type Columns = ReadonlyMap<string, Column>

/** Takes the values of a column one by one. */
export interface ColumnBuilder {
  /** @returns whether `value` is of the column's type; else it is not taken */
  add(value: string | number | boolean | null): boolean
  finish(): Column
}

export function columnBuilder(type: Column['type']): ColumnBuilder {
  if (type === 'string') return texts()
  return type === 'bool' ? booleans() : numbers(type)
}

const FIRST_LENGTH = 1024

function numbers(type: 'int' | 'float'): ColumnBuilder {
  let values = new Float64Array(FIRST_LENGTH)
  let length = 0
  return {
    add(value) {
      if (typeof value !== 'number' && value !== null) return false
      if (length === values.length) values = copied(values, new Float64Array(2 * length))
      values[length++] = value ?? Number.NaN
      return true
    },
    finish() {
      const all = values.slice(0, length)
      return { type, values: all, ...nulls(length, (i) => Number.isNaN(all[i])) }
    },
  }
}

function booleans(): ColumnBuilder {
  const MISSING = 2
  let values = new Uint8Array(FIRST_LENGTH)
  let length = 0
  return {
    add(value) {
      if (typeof value !== 'boolean' && value !== null) return false
      if (length === values.length) values = copied(values, new Uint8Array(2 * length))
      values[length++] = value === null ? MISSING : Number(value)
      return true
    },
    finish() {
      const missing = nulls(length, (i) => values[i] === MISSING)
      return { type: 'bool', values: values.slice(0, length).map((value) => value & 1), ...missing }
    },
  }
}

function texts(): ColumnBuilder {
  const values: (string | null)[] = []
  return {
    add(value) {
      if (typeof value !== 'string' && value !== null) return false
      values.push(value)
      return true
    },
    finish: () => ({ type: 'string', values, ...nulls(values.length, (i) => values[i] === null) }),
  }
}

function copied<Values extends { set(from: Values): void }>(from: Values, into: Values): Values {
  into.set(from)
  return into
}

function nulls(length: number, isNull: (i: number) => boolean): Nulls {
  const validity = new Uint8Array(Math.ceil(length / 8))
  let nullCount = 0
  for (let i = 0; i < length; i++) {
    if (isNull(i)) nullCount++
    else validity[i >> 3] = (validity[i >> 3] ?? 0) | (1 << (i & 7))
  }
  return nullCount === 0 ? { nullCount } : { nullCount, validity }
}
