import type { Executor } from '../cloud/executor.js'
import { inThisThread } from '../cloud/in-this-thread.js'
import { type IndexFile, openIndex } from '../cloud/index-file.js'
import { loadCore } from '../core/core.js'
import { memoryStore } from '../storage/memory.js'
import { excerpt, failure, firstDifference, RELEASE, tell } from './conformance-failure.js'
import { bytesAsked } from './conformance-store.js'
import type { ConformanceObject, Suite } from './conformance-types.js'
import { indexBytes, indexedWorld, openWorld, reopen, smallPiece } from './conformance-world.js'

const CHUNKING =
  'scan() must not assume where its chunk begins or ends, and merge() must join the parts so that nothing ' +
  'depends on the cuts'

/** Sizes that cut `length` bytes into at most 256 chunks, from single bytes where that is allowed. */
function chunkSizes(length: number): number[] {
  const sizes = [1, 2, 3, 5, 16, 61, 512, 4096, length >> 2, length >> 1, length - 1]
  return [...new Set(sizes)].filter((size) => size >= 1 && size < length && length / size <= 256)
}

/** Law 1: any chunking, any pieces and any order of the tasks give the same index, byte for byte. */
export async function sameIndex({ format }: Suite, subject: ConformanceObject): Promise<void> {
  const whole = await indexBytes(await indexedWorld(format, subject))
  const compare = async (what: string, options: Parameters<typeof indexedWorld>[2], fix: string) => {
    const other = await indexBytes(await indexedWorld(format, subject, options))
    const difference = await indexDifference(whole, other)
    if (difference) throw failure(`${what} gives another index: ${difference}`, fix)
  }
  await compare('preprocessing again', {}, 'The index may depend on the bytes only: no clock, no chance')
  for (const piece of [smallPiece(subject), 7]) {
    await compare(
      `a stream in pieces of ${piece}`,
      { piece },
      'A piece is valid only until the next is asked for, and may end anywhere: copy what has to be kept',
    )
  }
  if (!format.scan) return
  for (const chunkSize of chunkSizes(subject.bytes.length)) {
    await compare(`chunkSize ${chunkSize}`, { chunkSize, piece: 13 }, CHUNKING)
  }
  // The tasks of a compressed object may wait for each other.
  if (subject.content) return
  const chunkSize = Math.max(1, Math.ceil(subject.bytes.length / 7))
  await compare(
    'running the last task first',
    { chunkSize, executor: lastFirst() },
    'scan() must keep nothing from one chunk to the next: tasks run in any order, in different workers',
  )
}

/** Starts all tasks, and runs each when the one after it is done. */
function lastFirst(): Executor {
  const turns: (() => void)[] = []
  return {
    ...inThisThread,
    concurrency: 1000,
    async run(work, environment, options) {
      const { id, of } = JSON.parse(work.line) as { id: number; of: number }
      if (id < of - 1) {
        await new Promise<void>((turn) => {
          turns[id] = turn
        })
      }
      try {
        return await inThisThread.run(work, environment, options)
      } finally {
        turns[id - 1]?.()
      }
    },
  }
}

/** What differs between two indexes; undefined when they are equal. */
export async function indexDifference(expected: Uint8Array, actual: Uint8Array): Promise<string | undefined> {
  const at = firstDifference(expected, actual)
  if (at === -1) return undefined
  const store = memoryStore({ 'memory:expected': expected, 'memory:actual': actual })
  const core = await loadCore()
  const [a, b] = await Promise.all([
    openIndex(store, 'memory:expected', core),
    openIndex(store, 'memory:actual', core),
  ])
  const facts = new Set([...Object.keys(a.header.attributes), ...Object.keys(b.header.attributes)])
  for (const name of facts) {
    const [left, right] = [a, b].map(({ header }) => JSON.stringify(header.attributes[name]))
    if (left !== right) return `attribute "${name}" is ${right} instead of ${left}`
  }
  return (await sectionDifference(a, b)) ?? `byte ${at} of the index differs`
}

async function sectionDifference(a: IndexFile, b: IndexFile): Promise<string | undefined> {
  const [names, others] = [a, b].map(({ header }) => header.sections.map(({ name }) => name).join(', '))
  if (names !== others) return `its sections are "${others}" instead of "${names}"`
  for (const { name } of a.header.sections) {
    const [left, right] = await Promise.all([a.section(name), b.section(name)])
    const at = firstDifference(left, right)
    if (at === -1) continue
    return (
      `section "${name}" has ${right.length} bytes instead of ${left.length} and differs from byte ${at} on, ` +
      `${excerpt(right, at)} instead of ${excerpt(left, at)}`
    )
  }
  return undefined
}

/** Each task reads its chunk once, and little more. */
export async function scanBudget({ format, budget }: Suite, subject: ConformanceObject): Promise<void> {
  if (!format.scan || subject.content) return
  const chunkSize = Math.max(1, Math.ceil(subject.bytes.length / 3))
  const { requestsPerTask = 1, overheadBytes } = budget
  const given = { formatOptions: subject.formatOptions }
  const world = await openWorld(format, subject)
  const executor: Executor = {
    ...inThisThread,
    async run(work, environment, options) {
      const before = world.reads.length
      const result = await inThisThread.run(work, environment, options)
      const { id, range } = JSON.parse(work.line) as { id: number; range: [number, number] }
      const requests = world.reads.length - before
      const overhead = bytesAsked(world.reads, before) - (range[1] - range[0])
      if (requests > requestsPerTask || overhead > overheadBytes) {
        throw failure(
          `task ${id} made ${requests} requests for ${overhead} bytes beyond its chunk; the budget is ${requestsPerTask} and ${overheadBytes}`,
          'Read chunk.stream() once; a task that must look further reads that with one small request, stated as requestsPerTask',
        )
      }
      return result
    },
  }
  await world.object.preprocess({ ...given, chunkSize, executor })
}

/** A run that stopped after some tasks is taken up, and ends with the same index. */
export async function sameWhenResumed({ format }: Suite, subject: ConformanceObject): Promise<void> {
  const size = subject.bytes.length
  if (!format.scan || size < 2) return
  const chunkSize = Math.ceil(size / Math.min(5, size))
  const tasks = Math.ceil(size / chunkSize)
  const given = { formatOptions: subject.formatOptions }
  const expected = await indexBytes(await indexedWorld(format, subject, { chunkSize }))
  for (const done of new Set([1, tasks >> 1, tasks - 1])) {
    const world = await openWorld(format, subject)
    const stopped = new Error('stopped on purpose')
    const limited = countingExecutor(done, stopped)
    await world.object
      .preprocess({ ...given, chunkSize, executor: limited.executor })
      .catch((error: unknown) => {
        if (error !== stopped) throw error
      })
    // What the module remembers of this run should not help the next: in practice that is another process.
    await indexedWorld(format, subject)
    const rest = countingExecutor(Number.POSITIVE_INFINITY, stopped)
    await (await reopen(world)).preprocess({ ...given, chunkSize, executor: rest.executor })
    // A compressed object has tasks of two kinds, and their number is not known here.
    if (!subject.content && rest.ran() !== tasks - done) {
      throw failure(
        `after ${done} of ${tasks} tasks, the second run did ${rest.ran()} more instead of ${tasks - done}`,
        'A part must be plain JSON values and Uint8Arrays, so that it can be kept',
      )
    }
    const difference = await indexDifference(expected, await indexBytes(world))
    if (difference) {
      throw failure(
        `preprocessing stopped after ${done} of ${tasks} tasks and resumed gives another index: ${difference}`,
        'scan() must return all it finds in its part and keep nothing in the module; merge() sees parts of an earlier process',
      )
    }
  }
}

function countingExecutor(limit: number, stopped: Error): { executor: Executor; ran(): number } {
  let ran = 0
  const executor: Executor = {
    ...inThisThread,
    async run(work, environment, options) {
      if (ran >= limit) throw stopped
      const result = await inThisThread.run(work, environment, options)
      ran++
      return result
    },
  }
  return { executor, ran: () => ran }
}

/** An aborted run ends with the signal's reason, holds no connection and publishes nothing. */
export async function preprocessAborts({ format }: Suite, subject: ConformanceObject): Promise<void> {
  const aborted = new AbortController()
  const reason = new Error('aborted on purpose')
  const { open } = await indexedWorld(format, subject, { piece: 3 })
  if (open() > 0) throw failure(`preprocessing left ${open()} streams open`, RELEASE)
  const world = await openWorld(format, subject, { piece: 3, onPiece: () => aborted.abort(reason) })
  const outcome = await world.object
    .preprocess({ formatOptions: subject.formatOptions, signal: aborted.signal })
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  // Without a single read there was nothing to abort.
  if (!aborted.signal.aborted) return
  if (outcome !== reason) {
    throw failure(
      `preprocessing aborted at the first bytes ended with ${outcome ? tell(outcome) : 'success'}, not with the signal's reason`,
      'Let errors of the stream pass through scan() or inspect()',
    )
  }
  if (world.open() > 0) {
    throw failure(`preprocessing that was aborted left ${world.open()} streams open`, RELEASE)
  }
  if (await exists(world.objects, world.object.indexUri)) {
    throw failure('preprocessing that was aborted published an index', 'merge() must not swallow errors')
  }
}

async function exists(store: { head(uri: string): Promise<unknown> }, uri: string): Promise<boolean> {
  return store.head(uri).then(
    () => true,
    () => false,
  )
}
