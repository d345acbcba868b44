import { Slice } from '../cloud/slice.js'
import { openSources } from '../cloud/sources.js'
import { loadCore } from '../core/core.js'
import { isDataplugError } from '../errors.js'
import { type Range, rangeLength } from '../range.js'
import { excerpt, failure, firstDifference, tell } from './conformance-failure.js'
import { bytesAsked } from './conformance-store.js'
import type { ConformanceObject, Suite } from './conformance-types.js'
import { indexedWorld, type Plan, plans, sample, smallPiece, spread } from './conformance-world.js'

/** Law 2: the slices of every strategy tile the object, in pieces of any size. */
export async function slicesTile(suite: Suite, subject: ConformanceObject): Promise<void> {
  for (const piece of [undefined, smallPiece(subject)]) {
    const { object } = await indexedWorld(suite.format, subject, { piece })
    for await (const plan of plans(suite, object)) {
      await tile(suite, subject, plan, piece === undefined ? plan.name : `${plan.name}, pieces of ${piece}`)
    }
  }
}

async function tile(suite: Suite, subject: ConformanceObject, plan: Plan, name: string): Promise<void> {
  const { tiles = true, body = (bytes: Uint8Array) => bytes } = suite
  const content = subject.content ?? subject.bytes
  let reached = 0
  for (const slice of plan.slices) {
    const bytes = body(await slice.bytes(), slice.toJSON())
    if (!tiles) continue
    const extent = (await extentOf(slice)) ?? [reached, reached + bytes.length]
    const length = rangeLength(extent)
    const where = `${name}: slice ${slice.id} of ${slice.of}`
    if (length > 0 && extent[0] !== reached) {
      const [from, to] = [Math.min(extent[0], reached), Math.max(extent[0], reached)]
      throw failure(
        `${where} starts at byte ${extent[0]}, but the slices before it end at ${reached}: bytes ${from}-${to} are ${extent[0] > reached ? 'in no slice' : 'in two slices'}`,
        'The end of a slice and the start of the next must be found by the same rule from the same offset',
      )
    }
    if (bytes.length !== length) {
      throw failure(
        `${where} delivers ${bytes.length} bytes, but its extent [${extent.join(', ')}) has ${length}`,
        'extent() must be exactly what bytes() delivers; leave headers that are repeated in each slice to the option "body"',
      )
    }
    const at = firstDifference(bytes, content.subarray(reached, reached + bytes.length))
    if (at !== -1) {
      throw failure(
        `${where} delivers ${excerpt(bytes, at)} where the object has ${excerpt(content, reached + at)} (byte ${reached + at})`,
        'Slices must deliver the bytes of the object, in its order, none left out and none doubled; pieces that are kept must be copied',
      )
    }
    reached += bytes.length
  }
  if (tiles && reached !== content.length) {
    throw failure(
      `${name}: the slices end at byte ${reached}, but the object has ${content.length}: ${excerpt(content, reached)} is in no slice`,
      'The last slice must reach the end of the object',
    )
  }
}

async function extentOf(slice: Slice): Promise<Range | undefined> {
  try {
    return await slice.extent()
  } catch (error) {
    if (isDataplugError(error, 'UNSUPPORTED')) return undefined
    throw error
  }
}

/** All cuts of one strategy give the same records, one after the other. */
export async function sameRecords(suite: Suite, subject: ConformanceObject): Promise<void> {
  if (suite.records === false) return
  const { object } = await indexedWorld(suite.format, subject)
  const expected = new Map<unknown, { readonly name: string; readonly records: readonly string[] }>()
  for await (const { name, strategy, slices } of plans(suite, object)) {
    const records = await recordsOf(slices)
    if (!records) return
    const first = expected.get(strategy)
    if (!first) {
      expected.set(strategy, { name, records })
      continue
    }
    const at = first.records.findIndex((record, i) => record !== records[i])
    if (at === -1 && first.records.length === records.length) continue
    const number = at === -1 ? first.records.length : at
    throw failure(
      `${name} gives ${records.length} records and ${first.name} ${first.records.length}; number ${number} is ${short(records[number])} instead of ${short(first.records[number])}`,
      'A record must belong to exactly one slice: the one it begins in. When a strategy cuts records on purpose, set records: false',
    )
  }
}

async function recordsOf(slices: readonly Slice[]): Promise<string[] | undefined> {
  const records: string[] = []
  try {
    for (const slice of slices) {
      for await (const record of slice.records()) records.push(JSON.stringify(record, plainBytes))
    }
  } catch (error) {
    if (isDataplugError(error, 'UNSUPPORTED')) return undefined
    throw error
  }
  return records
}

/** Typed arrays and big integers, which JSON has not, in a form that compares. */
function plainBytes(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value
}

function short(text: string | undefined): string {
  if (text === undefined) return 'missing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** Law 3: a slice that went through JSON reads the same. */
export async function revivedEqual(suite: Suite, subject: ConformanceObject): Promise<void> {
  const { object, store } = await indexedWorld(suite.format, subject)
  for await (const { name, slices } of plans(suite, object)) {
    for (const slice of spread(slices, 24)) {
      const revived = Slice.fromJSON(JSON.stringify(slice), { store })
      const where = `${name}: slice ${slice.id} of ${slice.of}`
      const fix = 'All that read() needs must be in the slice data, as plain JSON, and nothing in the module'
      if (firstDifference(await revived.bytes(), await slice.bytes()) !== -1) {
        throw failure(`${where} reads other bytes when it is revived from its JSON line`, fix)
      }
      const [value, expected] = await Promise.all([revived, slice].map(jsonValue))
      if (value !== expected) {
        throw failure(`${where} revived gives ${short(value)} instead of ${short(expected)}`, fix)
      }
    }
  }
}

async function jsonValue(slice: Slice): Promise<string> {
  try {
    return JSON.stringify(await slice.get(), plainBytes) ?? 'undefined'
  } catch (error) {
    // Objects that are not text have no text; both sides must say so.
    if (isDataplugError(error, 'INVALID_UTF8')) return tell(error)
    throw error
  }
}

/** Law 6: nothing is read before it is asked for, and then no more than the budget. */
export async function slicesInBudget(suite: Suite, subject: ConformanceObject): Promise<void> {
  const world = await indexedWorld(suite.format, subject)
  const { reads, object, store } = world
  const core = await loadCore()
  for await (const { name, slices, budget } of plans(suite, object, subject)) {
    for (const slice of slices) {
      const where = `${name}: slice ${slice.id} of ${slice.of}`
      const before = reads.length
      const delivered = (await slice.bytes()).length
      const requests = reads.length - before
      const overhead = bytesAsked(reads, before) - delivered
      if (requests > budget.requestsPerSlice || overhead > budget.overheadBytes) {
        throw failure(
          `${where} made ${requests} requests and asked for ${overhead} bytes beyond the ${delivered} it delivers; the budget is ${budget.requestsPerSlice} and ${budget.overheadBytes}`,
          'Put offsets into the slice data so that one ranged read is enough, or state a larger budget',
        )
      }
    }
    for (const slice of sample(slices)) {
      const line = slice.toJSON()
      const before = reads.length
      const sources = openSources(store, line, core)
      const reading = suite.format.read(line.data, { ...sources, core, signal: undefined })
      reading.bytes()
      reading.records?.()
      await new Promise((next) => setTimeout(next, 0))
      if (reads.length > before) {
        throw failure(
          `${name}: slice ${slice.id} of ${slice.of} reads before its bytes are asked for`,
          'read() only describes; request inside the generators, not before they are iterated',
        )
      }
    }
  }
}
