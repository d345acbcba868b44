import { Slice } from '../cloud/slice.js'
import { isDataplugError } from '../errors.js'
import type { Json, JsonObject } from '../formats/format.js'
import { isRange } from '../range.js'
import { failure, RELEASE, tell } from './conformance-failure.js'
import { changed } from './conformance-lines.js'
import type { ConformanceObject, Suite } from './conformance-types.js'
import { indexedWorld, plans, sample, type World } from './conformance-world.js'

/** A reader that leaves early or aborts holds no connection, and is never told that half is all. */
export async function readersRelease(suite: Suite, subject: ConformanceObject): Promise<void> {
  const world = await indexedWorld(suite.format, subject, { piece: 3 })
  for await (const { name, slices } of plans(suite, world.object)) {
    for (const slice of sample(slices)) {
      const where = `${name}: slice ${slice.id} of ${slice.of}`
      for await (const _ of slice.chunks()) break
      await released(world, `${where}: leaving the loop over chunks()`)
      try {
        for await (const _ of slice.records()) break
      } catch (error) {
        if (!isDataplugError(error, 'UNSUPPORTED')) throw error
      }
      await released(world, `${where}: leaving the loop over records()`)
      await abortMidway(world, slice, where)
    }
  }
}

async function abortMidway(world: World, slice: Slice, where: string): Promise<void> {
  const whole = (await slice.bytes()).length
  const aborted = new AbortController()
  const reason = new Error('aborted on purpose')
  let delivered = 0
  let outcome: unknown
  try {
    for await (const piece of slice.chunks({ signal: aborted.signal })) {
      delivered += piece.length
      aborted.abort(reason)
    }
  } catch (error) {
    outcome = error
  }
  if (outcome !== undefined && outcome !== reason) {
    throw failure(
      `${where}: reading that was aborted ended with ${tell(outcome)}, not with the signal's reason`,
      'Let errors of the stream pass',
    )
  }
  if (outcome === undefined && delivered !== whole) {
    throw failure(
      `${where}: reading that was aborted ended after ${delivered} of ${whole} bytes as if that were all`,
      'Let errors of the stream pass: a caught abort looks like the end of the slice',
    )
  }
  await released(world, `${where}: aborting`)
}

async function released(world: World, what: string): Promise<void> {
  // Streams of readers that wait for several at once may end a few turns later.
  for (let turn = 0; turn < 10 && world.open() > 0; turn++) await new Promise((next) => setTimeout(next, 0))
  if (world.open() > 0) throw failure(`${what} left ${world.open()} streams open`, RELEASE)
}

/** Slices of an object that was replaced read nothing. */
export async function replacedIsRefused(suite: Suite, subject: ConformanceObject): Promise<void> {
  const world = await indexedWorld(suite.format, subject)
  for await (const { name, slices } of plans(suite, world.object)) {
    const before = await Promise.all(sample(slices).map(async (slice) => (await slice.bytes()).length))
    await world.objects.write(world.uri, changed(subject.bytes))
    for (const [i, slice] of sample(slices).entries()) {
      const outcome = await slice.bytes().catch((error: unknown) => error)
      // A slice that was empty may be so without looking.
      if (outcome instanceof Uint8Array && outcome.length === 0 && before[i] === 0) continue
      if (isDataplugError(outcome, 'OBJECT_CHANGED')) continue
      throw failure(
        `${name}: slice ${slice.id} of ${slice.of} of an object that was replaced gives ${outcome instanceof Uint8Array ? `${outcome.length} bytes` : tell(outcome)} instead of OBJECT_CHANGED`,
        'Read through context.main, which is pinned, keep no bytes in the module, and let its errors pass',
      )
    }
    await world.objects.write(world.uri, subject.bytes)
  }
}

/** Forged slice data are refused with INVALID_SLICE, or read nothing but bytes of the object. */
export async function forgedIsRefused(suite: Suite, subject: ConformanceObject): Promise<void> {
  const world = await indexedWorld(suite.format, subject, { limit: 1_000_000 })
  const seen = new Set<string>()
  for await (const { name, slices } of plans(suite, world.object)) {
    for (const slice of sample(slices)) {
      const line = slice.toJSON()
      const wrong = [...forgeries(line.data), ...(suite.forged?.(line.data, subject) ?? [])]
      for (const data of wrong) await refuse(data, true)
      for (const data of suspicious(line.data, (subject.content ?? subject.bytes).length))
        await refuse(data, false)

      async function refuse(data: JsonObject, must: boolean): Promise<void> {
        const text = JSON.stringify(data)
        if (seen.has(text)) return
        seen.add(text)
        const forged = Slice.fromJSON({ ...line, data }, { store: world.store })
        const outcome = await forged.bytes().catch((error: unknown) => error)
        if (isDataplugError(outcome, 'INVALID_SLICE')) return
        if (!must && outcome instanceof Uint8Array) return
        throw failure(
          `${name}: the slice data ${text} give ${outcome instanceof Uint8Array ? `${outcome.length} bytes` : tell(outcome)} instead of INVALID_SLICE`,
          'read() must check the type and domain of every member of its data: slices come from anywhere',
        )
      }
    }
  }
}

/** Data that no check may let pass: without members, of wrong types, with ranges no object has. */
function* forgeries(data: JsonObject): Generator<JsonObject> {
  if (Object.keys(data).length > 0) yield {}
  for (const [name, value] of Object.entries(data)) {
    for (const other of [null, true, 'forged', {}, [[]]]) {
      if (typeof other !== typeof value || Array.isArray(other) !== Array.isArray(value)) {
        yield { ...data, [name]: other }
      }
    }
    if (typeof value === 'number') {
      for (const other of [-1, 0.5]) yield { ...data, [name]: other }
    }
    if (isRange(value)) {
      for (const other of [[value[1] + 1, value[0]], [-1, value[1]], [0.5, value[1]], ['0', value[1]], [0]]) {
        yield { ...data, [name]: other as Json }
      }
    }
  }
}

/** Data that a check may let pass, as long as reading ends well. */
function* suspicious(data: JsonObject, size: number): Generator<JsonObject> {
  for (const [name, value] of Object.entries(data)) {
    const { [name]: _, ...rest } = data
    yield rest
    if (typeof value === 'number') {
      for (const other of [0, 1, value + 1, 1e9, Number.MAX_SAFE_INTEGER]) yield { ...data, [name]: other }
    }
    if (isRange(value)) {
      for (const end of [size, size + 1, Number.MAX_SAFE_INTEGER]) yield { ...data, [name]: [value[0], end] }
      yield { ...data, [name]: [0, 0] }
    }
  }
}
