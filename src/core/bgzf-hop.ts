import { BGZF_HEADER, bgzfHeader } from './bgzf-search.js'
import type { ChunkOptions, GzipChunk } from './gzip-chunk.js'
import { type GzipPart, noPairs, type PartPoint, type PartSegment } from './gzip-part.js'
import { malformed } from './inflate-status.js'
import { emptyWindow } from './sparse-window.js'

const LARGEST_BLOCK = 64 << 10

/**
 * The structure of a chunk of BGZF (SAM specification, 4.1) from the headers and trailers of its blocks alone: nothing
 * is inflated, so sizes and checksums are what the trailers promise, and lines are not counted.
 *
 * @param offset of the first byte pushed, at which a block starts
 * @throws MALFORMED_DATA (from push and finish) when something else than blocks follows
 */
export function createBgzfHop(offset: number, { name = 'the object', rule, until }: ChunkOptions): GzipChunk {
  const block = new Uint8Array(LARGEST_BLOCK)
  let held = 0
  let header: ReturnType<typeof bgzfHeader>
  /** Offset in the object of the block that is being collected. */
  let position = offset
  let output = 0
  let last = { stride: 0, output: 0 }
  let end: number | undefined
  const points: PartPoint[] = []
  const segments: PartSegment[] = []

  /** The rule of `createGzipChunk` for small members. */
  function passHeader(bit: number): void {
    if (points.length > 0 && bit < last.stride && output - last.output < rule.span) return
    points.push({
      bit,
      output,
      lines: { literal: 0, markers: noPairs },
      window: emptyWindow,
    })
    last = { stride: (Math.floor(bit / 8 / rule.stride) + 1) * rule.stride * 8, output }
  }

  function passBlock(size: number): void {
    const trailer = new DataView(block.buffer, size - 8, 8)
    const crc = trailer.getUint32(0, true)
    const content = trailer.getUint32(4, true)
    position += size
    output += content
    segments.push({ size: content, crc, trailer: { crc, size: content, end: position } })
  }

  function push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      const wanted = header?.blockSize ?? BGZF_HEADER
      const taken = bytes.subarray(at, at + wanted - held)
      block.set(taken, held)
      held += taken.length
      at += taken.length
      if (held < wanted) break
      if (header) {
        passBlock(wanted)
        header = undefined
        held = 0
        continue
      }
      header = bgzfHeader(block, 0)
      if (!header) throw malformed(`${name} has no BGZF block at byte ${position}`, position)
      const bit = (position + header.headerSize) * 8
      if (points.length > 0 && bit >= until) {
        end = bit
        return true
      }
      passHeader(bit)
    }
    return false
  }

  function finish(): void {
    if (held > 0) throw malformed(`${name} ends inside the BGZF block at byte ${position}`, position)
  }

  function part(): GzipPart {
    return {
      start: points[0]?.bit ?? 0,
      end,
      size: output,
      blocks: 0,
      reach: 0,
      points,
      lines: { literal: 0, markers: noPairs },
      segments,
      factors: noPairs,
      last: -1,
      tail: new Uint16Array(0),
    }
  }

  return { push, finish, part }
}
