import { isDataplugError } from '../errors.js'
import { failure, tell } from './conformance-failure.js'
import type { ConformanceObject, Suite } from './conformance-types.js'
import { indexedWorld, openWorld, plans, reopen } from './conformance-world.js'

/** Slices are plain, short JSON lines without credentials. */
export async function plainLines(suite: Suite, subject: ConformanceObject): Promise<void> {
  const { object } = await indexedWorld(suite.format, subject)
  const secrets = environmentSecrets()
  for await (const { name, slices, budget } of plans(suite, object, subject)) {
    for (const slice of slices) {
      const line = slice.toJSON()
      const where = `${name}: slice ${slice.id} of ${slice.of}`
      const odd = notPlain(line.data, 'data')
      if (odd) {
        throw failure(
          `${where} holds ${odd}, which JSON does not keep`,
          'Slice data are objects, arrays, strings, booleans, null and finite numbers (safe integers for offsets)',
        )
      }
      const text = JSON.stringify(line)
      const secret = secretIn(line.data, 'data') ?? secrets.find((value) => text.includes(value))
      if (secret !== undefined) {
        throw failure(
          `${where} carries a credential (${secret.slice(0, 12)}…)`,
          'Slices travel through logs and queues: whoever reads one has credentials of its own',
        )
      }
      const { lineBytes = 4096 } = budget
      if (text.length > lineBytes) {
        throw failure(
          `${where} takes ${text.length} bytes as a JSON line; the budget is ${lineBytes}`,
          'Keep tables in an index section, and only its offsets in the slice data; or state a larger lineBytes',
        )
      }
    }
  }
}

/** The first value below `value` that does not survive JSON, with its path. */
function notPlain(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return `${value} at ${path}`
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? `${value} (not a safe integer) at ${path}`
      : undefined
  }
  if (Array.isArray(value)) return firstOf(value.entries(), (i, item) => notPlain(item, `${path}[${i}]`))
  if (typeof value === 'object') {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return `a ${value.constructor?.name} at ${path}`
    return firstOf(Object.entries(value), (key, item) =>
      item === undefined ? undefined : notPlain(item, `${path}.${key}`),
    )
  }
  return `a ${typeof value} at ${path}`
}

function firstOf<K, V>(
  entries: Iterable<readonly [K, V]>,
  look: (key: K, value: V) => string | undefined,
): string | undefined {
  for (const [key, value] of entries) {
    const found = look(key, value)
    if (found !== undefined) return found
  }
  return undefined
}

const SECRET_NAME = /secret|password|passwd|credential|authorization|access_?key|api_?key|session_?token/i

/** A member below `value` whose name says that it is a secret. */
function secretIn(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return firstOf(Object.entries(value), (key, item) =>
    SECRET_NAME.test(key) ? `${path}.${key}` : secretIn(item, `${path}.${key}`),
  )
}

function environmentSecrets(): string[] {
  const host = globalThis.process as { env?: Record<string, string | undefined> } | undefined
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']
  return names.flatMap((name) => host?.env?.[name] || [])
}

/** Strategies read the index and nothing else; without one, or with a stale one, they say so. */
export async function strategiesArePure(suite: Suite, subject: ConformanceObject): Promise<void> {
  // Under a name of its own, where nothing may be known.
  const bare = await openWorld(suite.format, subject, { folder: 'not-preprocessed' })
  const indexed = await indexedWorld(suite.format, subject)
  const again = await reopen(indexed)
  const third = await reopen(indexed)
  // Opening reads the object's first bytes; from here on only the index may be read.
  const before = indexed.reads.length
  const first = await lines(suite, again)
  const second = await lines(suite, third)
  if (first !== second) {
    throw failure(
      'partitioning twice gives different slices',
      'A strategy is pure: it depends on index and parameters only',
    )
  }
  const reads = indexed.reads.slice(before).find(({ uri }) => uri !== again.indexUri)
  if (reads) {
    throw failure(
      `partitioning read bytes ${reads.range.join('-')} of ${reads.uri}`,
      'A strategy plans from the index; move what it must know into the index, or what it looks for into read()',
    )
  }

  const stale = await indexedWorld(suite.format, subject)
  await stale.objects.write(stale.uri, changed(subject.bytes))
  const afterwards = await reopen(stale)
  for (const { strategy, params: all } of suite.strategies) {
    for (const params of all) {
      const name = `${strategy.name}(${JSON.stringify(params)})`
      const missing = await codeOf(() => bare.object.partition(strategy, params))
      const outdated = await codeOf(() => afterwards.partition(strategy, params))
      const fix = 'Errors of index.attributes and index.section() must pass through a strategy'
      if (missing !== undefined && missing !== 'NOT_PREPROCESSED') {
        throw failure(`${name} without an index gives ${missing}, not slices or NOT_PREPROCESSED`, fix)
      }
      const expected = missing === undefined ? undefined : 'STALE_INDEX'
      if (outdated !== expected) {
        throw failure(
          `${name} with the index of an older object gives ${outdated ?? 'slices'} instead of ${expected ?? 'slices'}`,
          `${fix}, and nothing of an index may be kept in the module`,
        )
      }
    }
  }
}

async function lines(suite: Suite, object: Awaited<ReturnType<typeof reopen>>): Promise<string> {
  const all: string[] = []
  for await (const { slices } of plans(suite, object)) all.push(JSON.stringify(slices))
  return all.join('\n')
}

async function codeOf(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return isDataplugError(error) ? error.code : tell(error)
  }
}

/** Bytes of the same length and kind, so that only the ETag tells; one byte for none. */
export function changed(bytes: Uint8Array): Uint8Array {
  const other = bytes.length === 0 ? Uint8Array.of(0x78) : bytes.slice()
  const last = other.length - 1
  other[last] = (other[last] ?? 0) ^ 1
  return other
}
