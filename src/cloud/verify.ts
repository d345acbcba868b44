import { DataplugError } from '../errors.js'
import { rangeLength } from '../range.js'
import type { CallOptions } from '../storage/store.js'
import { runConcurrently } from './run-concurrently.js'
import type { Slice } from './slice.js'

/** A stretch of the object that slices leave out, or deliver more than once. */
export interface TilingFault {
  readonly kind: 'lost' | 'twice'
  /** Bytes of the object; of its content, when it is compressed. */
  readonly range: readonly [start: number, end: number]
  /** `id` of the slices on either side; -1 for the start of the object, `of` for its end. */
  readonly between: readonly [number, number]
}

export interface Tiling {
  readonly uri: string
  readonly size: number
  readonly slices: number
  readonly empty: number
  /** None: every byte of the object is in exactly one slice. */
  readonly faults: readonly TilingFault[]
}

/**
 * Proves that slices tile their object: nothing lost, nothing twice. Reads the edges of each slice, at most
 * eight at a time; the order of `slices` does not matter.
 *
 * @throws INVALID_ARGUMENT when they are not all of one object in one state, and as `Slice.extent`
 */
export async function verifyTiling(slices: readonly Slice[], options: CallOptions = {}): Promise<Tiling> {
  const [first] = slices
  if (!first) throw new DataplugError('INVALID_ARGUMENT', 'there are no slices to verify')
  const { uri, size: stored, etag, of } = first.toJSON()
  const size = first.contentSize
  const extents: { readonly id: number; readonly start: number; readonly end: number }[] = []
  await runConcurrently(
    slices,
    8,
    async (slice, signal) => {
      const line = slice.toJSON()
      if (line.uri !== uri || line.etag !== etag || line.size !== stored || slice.contentSize !== size) {
        throw new DataplugError(
          'INVALID_ARGUMENT',
          `slice ${line.id} is of another object or state than ${uri}`,
          { uri: line.uri },
        )
      }
      const extent = await slice.extent({ signal })
      if (rangeLength(extent) > 0) extents.push({ id: line.id, start: extent[0], end: extent[1] })
    },
    options.signal,
  )
  extents.sort((a, b) => a.start - b.start || a.end - b.end)
  const faults: TilingFault[] = []
  let reached = 0
  let previous = -1
  for (const { id, start, end } of [...extents, { id: of, start: size, end: size }]) {
    if (start > reached) faults.push({ kind: 'lost', range: [reached, start], between: [previous, id] })
    if (start < reached)
      faults.push({ kind: 'twice', range: [start, Math.min(reached, end)], between: [previous, id] })
    if (end > reached) {
      reached = end
      previous = id
    }
  }
  return { uri, size, slices: slices.length, empty: slices.length - extents.length, faults }
}
