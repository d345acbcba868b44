import type { BgzfPart } from '../../compression/bgzf-writer.js'
import { type Range, rangeLength } from '../../range.js'
import type { Source, StoredBlock } from '../format.js'
import type { LineEdges } from '../shared/line-edges.js'
import { notRecords } from './batches.js'
import { checkedLength, FIXED } from './record.js'
import { RecordWalk } from './walk.js'

/**
 * A run of whole records as what a BGZF file is made of: blocks of the object that lie inside the run as they are stored,
 * the rest as content. Only blocks in which the run may begin or end are inflated. One read.
 *
 * @param edges `skip` and `tail` count records
 * @param startsObject the run begins with the object's header
 * @throws INVALID_SLICE when there are no such records, MALFORMED_DATA when the object is damaged
 */
export async function* recordBlocks(
  { range, skip, tail }: LineEdges,
  startsObject: boolean,
  main: Source,
): AsyncGenerator<BgzfPart> {
  if (rangeLength(range) === 0) return
  const before = new RecordWalk(range[0], skip)
  const last = tail && new RecordWalk(...tail)
  for await (const block of main.blocks?.(range) ?? piecesOf(main, range)) {
    const [start, end] = block.range
    let content: Uint8Array | undefined
    const inflated = async () => {
      content ??= await block.content()
      return content
    }
    /** Follows records as far as the block goes. */
    const follow = async (walk: RecordWalk) => {
      if (!walk.done && walk.next < end) walk.push(await inflated(), start)
      if (walk.fault !== undefined) throw notRecords(main.uri, walk.fault)
    }
    /** As far as its fixed fields lie in the block. */
    const requireRecord = async (at: number) => {
      if (at < start || at >= end) return
      if (!mayBeRecord(await inflated(), at - start)) throw notRecords(main.uri, at)
    }

    await follow(before)
    if (last) await follow(last)
    if (!before.done || before.next >= end) continue
    if (!startsObject) await requireRecord(before.next)
    // Until the last record was seen to end, it ends after this block.
    const stop = !last ? range[1] : last.done ? last.next : Number.POSITIVE_INFINITY
    await requireRecord(stop)
    if (block.stored && before.next <= start && end <= stop) yield { block: block.stored }
    else {
      const from = Math.max(before.next - start, 0)
      yield { content: (await inflated()).subarray(from, Math.max(stop - start, from)) }
    }
    if (stop <= end) return
  }
  throw notRecords(main.uri, undefined)
}

function mayBeRecord(bytes: Uint8Array, at: number): boolean {
  if (at + FIXED > bytes.length) return true
  return checkedLength(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at) !== undefined
}

/** The `blocks` of a source that has none. */
async function* piecesOf(main: Source, [start, end]: Range): AsyncGenerator<StoredBlock> {
  let at = start
  for await (const piece of main.read([start, end])) {
    yield { range: [at, at + piece.length], content: async () => piece }
    at += piece.length
  }
}
