import { DataplugError } from '../../src/errors.js'
import {
  type AnyFormat,
  type AnyStrategy,
  type Built,
  type Chunk,
  defineFormat,
  defineStrategy,
  type Index,
  type Part,
  type ReadContext,
  type Reading,
} from '../../src/formats/format.js'
import { isRange, type Range } from '../../src/range.js'
import type { ByteStream } from '../../src/storage/store.js'

interface Facts {
  readonly records: number
}
// biome-ignore lint/suspicious/noExplicitAny: broken formats put anything into their slices
type Data = any

/** The parts of a sound format of records that end with ";", to be replaced one by one. */
export interface Pieces {
  scan(chunk: Chunk): Promise<Part>
  merge(parts: readonly Part[]): Built<Facts>
  plan(index: Index<Facts>, params: { readonly perSlice: number }): Promise<readonly Data[]>
  read(data: Data, context: ReadContext): Reading<unknown>
}

const END = 0x3b

export async function scan(chunk: Chunk): Promise<Part> {
  const ends: number[] = []
  let position = chunk.range[0]
  for await (const piece of chunk.stream()) {
    for (const [i, byte] of piece.entries()) if (byte === END) ends.push(position + i + 1)
    position += piece.length
  }
  return { ends, last: chunk.range[1] }
}

export function merge(parts: readonly Part[]): Built<Facts> {
  const ends = parts.flatMap((part) => part.ends as number[])
  const size = (parts.at(-1)?.last as number | undefined) ?? 0
  if (size > (ends.at(-1) ?? 0)) ends.push(size)
  return {
    attributes: { records: ends.length },
    sections: { ends: new Uint8Array(Uint32Array.from(ends).buffer) },
  }
}

export async function plan(
  index: Index<Facts>,
  { perSlice }: { readonly perSlice: number },
): Promise<{ range: Range }[]> {
  const { records } = index.attributes
  const section = await index.section('ends')
  const ends = new Uint32Array(section.slice().buffer)
  const slices: { range: Range }[] = []
  for (let first = 0; first < records; first += perSlice) {
    const last = Math.min(first + perSlice, records) - 1
    slices.push({ range: [first === 0 ? 0 : (ends[first - 1] as number), ends[last] as number] })
  }
  return slices
}

export function checkRange(data: Data, { main }: ReadContext): Range {
  const { range } = data
  if (!isRange(range) || range[1] > main.size) {
    throw new DataplugError('INVALID_SLICE', `${JSON.stringify(data)} is not a slice`)
  }
  return range
}

export async function* records(bytes: ByteStream): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let open = ''
  for await (const piece of bytes) {
    const parts = (open + decoder.decode(piece, { stream: true })).split(';')
    open = parts.pop() as string
    yield* parts
  }
  if (open !== '') yield open
}

export function read(data: Data, context: ReadContext): Reading<unknown> {
  const range = checkRange(data, context)
  const bytes = () => context.main.read(range)
  return { bytes, records: () => records(bytes()), extent: async () => range }
}

/** The sound format, with some of its pieces replaced, under a name of its own. */
export function build(name: string, pieces: Partial<Pieces>): { format: AnyFormat; strategy: AnyStrategy } {
  const whole = { scan, merge, plan, read, ...pieces }
  const format = defineFormat<string, Facts, Data, unknown>({
    name,
    version: 1,
    module: import.meta.url,
    scan: whole.scan,
    merge: whole.merge,
    read: whole.read,
  })
  return { format, strategy: defineStrategy(format, 'partitionRecords', whole.plan) }
}
