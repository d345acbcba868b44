import { CloudObject } from '../cloud/cloud-object.js'
import type { PreprocessOptions } from '../cloud/preprocess.js'
import type { Slice } from '../cloud/slice.js'
import type { AnyFormat, JsonObject } from '../formats/format.js'
import { readBytes } from '../storage/store.js'
import { siblingUri } from '../storage/uri.js'
import { type ObservedOptions, type ObservedStore, observedStore } from './conformance-store.js'
import type { ConformanceBudget, ConformanceObject, ConformanceStrategy, Suite } from './conformance-types.js'

/** One object of a suite in a store of its own, opened. */
export interface World extends ObservedStore {
  readonly subject: ConformanceObject
  readonly uri: string
  readonly object: CloudObject
}

export async function openWorld(
  format: AnyFormat,
  subject: ConformanceObject,
  { folder = 'conformance', ...options }: ObservedOptions & { readonly folder?: string } = {},
): Promise<World> {
  const uri = `memory:${folder}/${subject.name}`
  const files: Record<string, Uint8Array> = { [uri]: subject.bytes }
  for (const [name, bytes] of Object.entries(subject.siblings ?? {})) files[siblingUri(uri, name)] = bytes
  const observed = observedStore(files, options)
  return { ...observed, subject, uri, object: await CloudObject.open(format, uri, { store: observed.store }) }
}

/** As `openWorld`, with an index. */
export async function indexedWorld(
  format: AnyFormat,
  subject: ConformanceObject,
  options: ObservedOptions & PreprocessOptions<JsonObject> = {},
): Promise<World> {
  const world = await openWorld(format, subject, options)
  await world.object.preprocess({ formatOptions: subject.formatOptions, ...options })
  return world
}

/** The same object, opened again. */
export function reopen({ object, uri, store }: World): Promise<CloudObject> {
  return CloudObject.open(object.format, uri, { store })
}

/** The bytes of the published index. */
export async function indexBytes({ object, objects }: World): Promise<Uint8Array> {
  const { size } = await objects.head(object.indexUri)
  return readBytes(objects, object.indexUri, [0, size])
}

/** The slices that one strategy makes with one set of parameters. */
export interface Plan {
  /** For messages: `partitionNumChunks({"numChunks":7})`. */
  readonly name: string
  readonly strategy: ConformanceStrategy['strategy']
  readonly params: object
  readonly budget: ConformanceBudget
  readonly slices: readonly Slice[]
}

/** Cuts the object in every way of the suite. */
export async function* plans(
  suite: Suite,
  object: CloudObject,
  subject?: ConformanceObject,
): AsyncGenerator<Plan> {
  for (const { strategy, params: all, budget: own } of suite.strategies) {
    const budget = own ?? subject?.budget ?? suite.budget
    for (const params of all) {
      const slices = await object.partition(strategy, params)
      yield { name: `${strategy.name}(${JSON.stringify(params)})`, strategy, params, budget, slices }
    }
  }
}

/** The first, the last and some between: where all would take long. */
export function sample<T>(items: readonly T[]): T[] {
  const picked = [0, 1, items.length >> 1, items.length - 1]
  return [...new Set(picked)].flatMap((i) => (i >= 0 && i < items.length ? [items[i] as T] : []))
}

/** Bytes of the pieces in which a body arrives: single ones where that does not take long. */
export function smallPiece({ bytes }: ConformanceObject): number {
  return bytes.length <= 512 ? 1 : Math.ceil(bytes.length / 509)
}

/** About `count` items from all over the list. */
export function spread<T>(items: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor(items.length / count))
  return items.filter((_, i) => i % step === 0 || i === items.length - 1)
}
