// Node only.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Executor } from '../cloud/executor.js'
import { isDataplugError } from '../errors.js'
import { CloudObject, map, threads } from '../index.js'
import { failure, firstDifference, tell } from './conformance-failure.js'
import { indexDifference } from './conformance-index.js'
import type { ConformanceObject, Suite } from './conformance-types.js'
import { plans, spread } from './conformance-world.js'

/** Applied to slices in the threads. A module without a file, so that it is found however this one is bundled. */
const readBytes = 'data:text/javascript,export default (slice) => slice.bytes()'

/** Two worker threads and files give the same indexes and the same slices as this thread. */
export async function threadsEqualInline(suite: Suite): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dataplug-conformance-'))
  const pool = threads({ size: 2 })
  try {
    for (const [i, subject] of suite.objects.entries()) {
      await compare(suite, subject, pool, join(folder, String(i)))
    }
  } catch (error) {
    if (!isDataplugError(error, 'MISSING_DEPENDENCY')) throw error
    throw failure(
      `in a worker thread ${tell(error)}`,
      '"module" must be the import.meta.url of the file that defines the format, and that file must be JavaScript that Node can import',
      error,
    )
  } finally {
    await pool[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

async function compare(
  suite: Suite,
  subject: ConformanceObject,
  executor: Executor,
  folder: string,
): Promise<void> {
  const { format } = suite
  const { formatOptions } = subject
  await mkdir(folder)
  const path = (name: string) => join(folder, name.replaceAll('/', '_'))
  await writeFile(path(subject.name), subject.bytes)
  for (const [name, bytes] of Object.entries(subject.siblings ?? {})) await writeFile(path(name), bytes)

  const open = (index: string) =>
    CloudObject.open(format, path(subject.name), { metadata: path(index), storage: {} })
  const inline = await open('inline.index')
  const threaded = await open('threads.index')
  const chunkSize = Math.max(1, Math.ceil(subject.bytes.length / 9))
  await inline.preprocess({ formatOptions, chunkSize })
  await threaded.preprocess({ formatOptions, chunkSize, executor })
  const where = `object "${subject.name}"`
  const difference = await indexDifference(
    await readFile(path('inline.index')),
    await readFile(path('threads.index')),
  )
  if (difference) {
    throw failure(
      `${where}: preprocessing in worker threads gives another index: ${difference}`,
      'scan() may use its chunk and nothing else: what the module of another thread remembers is not here',
    )
  }
  for await (const { name, slices: all } of plans(suite, threaded)) {
    const slices = spread(all, 12)
    const there = await map<Uint8Array>(executor, slices, readBytes)
    for (const [i, slice] of slices.entries()) {
      if (firstDifference(await slice.bytes(), there[i] ?? new Uint8Array(0)) === -1) continue
      throw failure(
        `${where}: ${name}: slice ${slice.id} of ${slice.of} reads other bytes in a worker thread`,
        'All that read() needs must be in the slice data',
      )
    }
  }
}
