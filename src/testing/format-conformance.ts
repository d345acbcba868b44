import { isDataplugError } from '../errors.js'
import type { AnyFormat } from '../formats/format.js'
import { check, failure, tell } from './conformance-failure.js'
import { preprocessAborts, sameIndex, sameWhenResumed, scanBudget } from './conformance-index.js'
import { plainLines, strategiesArePure } from './conformance-lines.js'
import { revivedEqual, sameRecords, slicesInBudget, slicesTile } from './conformance-slices.js'
import { forgedIsRefused, readersRelease, replacedIsRefused } from './conformance-trouble.js'
import type {
  ConformanceObject,
  ConformanceTest,
  FormatConformanceOptions,
  Suite,
} from './conformance-types.js'
import { openWorld, plans } from './conformance-world.js'

export type {
  ConformanceBudget,
  ConformanceObject,
  ConformanceStrategy,
  ConformanceTest,
  FormatConformanceOptions,
} from './conformance-types.js'

type Check = (suite: Suite, subject: ConformanceObject) => Promise<void>

const checks: readonly (readonly [name: string, run: Check])[] = [
  ['any chunking gives the same index', sameIndex],
  ['preprocessing reads each chunk once', scanBudget],
  ['resumed preprocessing gives the same index', sameWhenResumed],
  ['aborted preprocessing releases its streams', preprocessAborts],
  ['strategies are pure, and a stale index is refused', strategiesArePure],
  ['slices tile the object exactly', slicesTile],
  ['any cut gives the same records', sameRecords],
  ['slices are plain JSON without credentials', plainLines],
  ['revived slices equal the original', revivedEqual],
  ['slices are lazy and stay within budget', slicesInBudget],
  ['readers that leave or abort release their streams', readersRelease],
  ['slices of a replaced object are refused', replacedIsRefused],
  ['forged slices are refused', forgedIsRefused],
]

/**
 * The checks that every format passes, built in or plugin: the laws of docs/plugins.md, on the given
 * objects and, as far as they apply, on an empty one. Free of any test framework:
 *
 * ```ts
 * for (const { name, run } of formatConformance(MyFormat, { objects, strategies, budget })) it(name, run)
 * ```
 *
 * @throws Error when the options leave nothing to check
 */
export function formatConformance(format: AnyFormat, options: FormatConformanceOptions): ConformanceTest[] {
  const suite: Suite = { ...options, format }
  requireOptions(suite)
  const tests: ConformanceTest[] = []
  for (const subject of options.objects) {
    for (const [name, run] of checks) {
      tests.push({
        name: `${subject.name}: ${name}`,
        run: () => check(`format ${format.name}, object "${subject.name}"`, () => run(suite, subject)),
      })
    }
  }
  const once = (name: string, run: () => Promise<void>) =>
    tests.push({ name, run: () => check(`format ${format.name}`, run) })
  once('an empty object is empty slices, or MALFORMED_DATA', () => emptyObject(suite))
  const inNode = typeof globalThis.process?.versions?.node === 'string'
  if (options.threads ?? inNode) {
    once('worker threads give what one thread gives', async () =>
      (await import('./conformance-threads.js')).threadsEqualInline(suite),
    )
  }
  return tests
}

function requireOptions({ objects, strategies, format }: Suite): void {
  const missing = (what: string) =>
    failure(`formatConformance(${format.name}): ${what}`, 'Without that, most checks would check nothing')
  if (!objects.some(({ bytes }) => bytes.length > 0))
    throw missing('give at least one object that is not empty')
  if (!strategies.some(({ params }) => params.length > 0)) {
    throw missing('give at least one strategy with at least one set of params')
  }
  const foreign = strategies.find(({ strategy }) => strategy.format !== format.name)
  if (foreign) throw missing(`${foreign.strategy.name} is a strategy of format ${foreign.strategy.format}`)
}

/** No bytes: slices of nothing, if any, or a clear refusal by formats that need a header. */
async function emptyObject(suite: Suite): Promise<void> {
  const world = await openWorld(suite.format, { name: 'empty', bytes: new Uint8Array(0) })
  try {
    await world.object.preprocess()
    for await (const { name, slices } of plans(suite, world.object)) {
      for (const slice of slices) {
        const bytes = await slice.bytes()
        const { length } = suite.body?.(bytes, slice.toJSON()) ?? bytes
        if (length > 0) {
          throw failure(
            `${name}: slice ${slice.id} of an empty object delivers ${length} bytes`,
            'Invent nothing',
          )
        }
      }
    }
  } catch (error) {
    if (isDataplugError(error, 'MALFORMED_DATA')) return
    if (!isDataplugError(error)) throw error
    throw failure(
      `an empty object gives ${tell(error)}`,
      'Cut it into empty slices or into none, or say MALFORMED_DATA when the format needs at least a header',
      error,
    )
  }
}
