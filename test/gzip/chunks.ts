import { createHash } from 'node:crypto'
import { createGzipChunk, type PointRule } from '../../src/core/gzip-chunk.js'
import type { GzipPart } from '../../src/core/gzip-part.js'
import { createGzipReducer, type GzipMember, type SeekPoint } from '../../src/core/gzip-reduce.js'
import { createSearchedChunk } from '../../src/core/gzip-search.js'
import { createMemory } from '../../src/core/memory.js'
import { coreModule } from '../../src/core/module.js'

export const memory = createMemory(await coreModule())

export interface Indexed {
  readonly points: readonly SeekPoint[]
  readonly members: readonly GzipMember[]
  readonly output: number
  readonly lines: number
  /** Chunks that were added as they were decoded, without knowing what is before them. */
  readonly blind: number
  readonly repaired: number
}

/** What must not depend on how the object was cut, in a form that is quick to compare. */
export function digest({ points, members, output, lines }: Indexed) {
  const hash = (window: Uint8Array) => `${window.length} ${createHash('sha1').update(window).digest('hex')}`
  return { points: points.map((point) => ({ ...point, window: hash(point.window) })), members, output, lines }
}

interface Decoding {
  push(bytes: Uint8Array): boolean
  finish(): void
}

function feed(decoding: Decoding, bytes: Uint8Array, step: number): void {
  for (let at = 0; at < bytes.length; at += step) if (decoding.push(bytes.subarray(at, at + step))) return
  decoding.finish()
}

/** The map step for chunk k: as tasks would run it, each on its own. */
export function mapChunk(
  gz: Uint8Array,
  k: number,
  size: number,
  rule: PointRule,
  step = 65_536,
): GzipPart | undefined {
  const options = { rule, until: (k + 1) * size < gz.length ? (k + 1) * size * 8 : Number.POSITIVE_INFINITY }
  const chunk =
    k === 0 ? createGzipChunk(memory, { offset: 0 }, options) : createSearchedChunk(memory, k * size, options)
  feed(chunk, gz.subarray(k * size), step)
  return chunk.part()
}

/** Index of a gzip object cut into chunks of `size` bytes, from the chunks' results alone. */
export function indexInChunks(gz: Uint8Array, size: number, rule: PointRule, step?: number): Indexed {
  const reducer = createGzipReducer()
  const points: SeekPoint[] = []
  const members: GzipMember[] = []
  let blind = 0
  let repaired = 0
  const add = (part: GzipPart) => {
    const added = reducer.add(part)
    points.push(...added.points)
    members.push(...added.members)
  }
  for (let k = 0; k * size < gz.length; k++) {
    const part = mapChunk(gz, k, size, rule, step)
    const until = (k + 1) * size < gz.length ? (k + 1) * size * 8 : Number.POSITIVE_INFINITY
    const decision = k === 0 ? 'add' : reducer.decide(part, until)
    if (decision === 'skip') continue
    if (decision === 'add' && part) {
      add(part)
      blind++
    } else {
      const bit = reducer.bit ?? 0
      const chunk = createGzipChunk(memory, { bit, window: reducer.window }, { rule, until })
      feed(chunk, gz.subarray(Math.floor(bit / 8)), step ?? 65_536)
      add(chunk.part())
      repaired++
    }
  }
  return { points, members, output: reducer.output, lines: reducer.lines, blind, repaired }
}
