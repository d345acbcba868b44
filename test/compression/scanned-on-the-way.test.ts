import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import type { Executor } from '../../src/cloud/executor.js'
import { inThisThread } from '../../src/cloud/in-this-thread.js'
import type { TaskLine } from '../../src/cloud/line.js'
import { DataplugError } from '../../src/errors.js'
import { CSV } from '../../src/formats/csv.js'
import { FASTA } from '../../src/formats/fasta.js'
import { FASTQ } from '../../src/formats/fastq.js'
import { type AnyFormat, type Chunk, defineFormat, type Part } from '../../src/formats/format.js'
import type { Range } from '../../src/range.js'
import { memoryStore } from '../../src/storage/memory.js'
import { counting } from '../formats/open-text.js'
import { SPAN, sideBySide, storedIndex } from './objects.js'

const URI = 'memory:t.gz'

const two: Executor = { ...inThisThread, concurrency: 2 }

/** The format as one that needs more than the stream. */
const later = (format: AnyFormat): AnyFormat => ({ ...format, scansForward: () => false })

function randomFrom(seed: number) {
  let state = seed >>> 0 || 1
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const letters = (random: (below: number) => number, alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[random(alphabet.length)]).join('')

/** Content of each format, with whatever makes cuts hard. */
const makers: Record<
  string,
  { format: AnyFormat; record(random: (below: number) => number): string; head: string }
> = {
  fastq: {
    format: FASTQ,
    head: '',
    record(random) {
      const length = 1 + random(120)
      return `@r${random(1e6)}\n${letters(random, 'ACGTN', length)}\n+\n${letters(random, '@+!IF#', length)}\n`
    },
  },
  csv: {
    format: CSV,
    head: 'id,text,number\n',
    record: (random) =>
      `${random(1e6)},${random(3) ? letters(random, 'abc ', 9) : '"a, ""b""\n\r\n"'},${random(99) / 8}\n`,
  },
  fasta: {
    format: FASTA,
    head: '>first\n',
    record: (random) =>
      random(40)
        ? `${letters(random, 'ACGTacgt', 60)}\n`
        : `${letters(random, 'AC', random(60))}\n>s${random(1e6)} >x\n`,
  },
}

function make(name: string, seed: number, size: number): Buffer {
  const { head, record } = makers[name] as (typeof makers)[string]
  const random = randomFrom(seed)
  const parts = [head]
  for (let length = 0; length < size; ) length += (parts[parts.push(record(random)) - 1] as string).length
  return Buffer.from(parts.join(''))
}

async function indexOf(format: AnyFormat, stored: Uint8Array, executor: Executor, chunkSize?: number) {
  const counted = counting(memoryStore({ [URI]: stored }))
  const object = await CloudObject.open(format, URI, { store: counted.store })
  const before = counted.bytes
  await object.preprocess({ executor, span: SPAN, ...(chunkSize ? { chunkSize } : {}) })
  const fetched = counted.bytes - before
  const bytes = await storedIndex(counted.store)
  return { bytes, fetched, attributes: object.attributes as Record<string, unknown> }
}

describe.each(Object.keys(makers))('%s in gzip', (name) => {
  const { format } = makers[name] as (typeof makers)[string]

  it('has the same index, scanned while it is decoded or after', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 1, max: 900_000 }),
        fc.constantFrom(1, 6),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 200_000 }),
        async (seed, size, level, members, chunkSize) => {
          const content = make(name, seed, size)
          const each = Math.ceil(content.length / members)
          const stored = Buffer.concat(
            Array.from({ length: members }, (_, i) =>
              gzipSync(content.subarray(i * each, (i + 1) * each), { level }),
            ),
          )
          const after = await indexOf(later(format), stored, sideBySide, chunkSize)
          for (const executor of [inThisThread, two, sideBySide]) {
            const { bytes } = await indexOf(format, stored, executor, chunkSize)
            expect(bytes.equals(after.bytes)).toBe(true)
          }
        },
      ),
      { numRuns: 6 },
    )
  })

  it('is read once by one worker or two', async () => {
    const stored = gzipSync(make(name, 5, 6_000_000), { level: 1 })
    expect(stored.length).toBeGreaterThan(2_000_000)
    // The first MiB may be looked at before, and the index looked for.
    const once = stored.length + (1 << 20) + 10_000
    for (const executor of [inThisThread, two]) {
      expect((await indexOf(format, stored, executor)).fetched).toBeLessThan(once)
    }
  })

  it('is scanned once by several, who decode some chunks a second time for that', async () => {
    const stored = gzipSync(make(name, 5, 3_000_000), { level: 1 })
    for (const workers of [3, 4]) {
      const ran: TaskLine[] = []
      const executor: Executor = {
        ...inThisThread,
        concurrency: workers,
        run(work, ...rest) {
          ran.push(JSON.parse(work.line))
          return inThisThread.run(work, ...rest)
        },
      }
      await indexOf(format, stored, executor, stored.length >> 4)
      expect(ran.every(({ stage }) => stage === 'gzip')).toBe(true)
      const ids = (tasks: readonly TaskLine[]) => tasks.map(({ id }) => id).sort((a, b) => a - b)
      const scanned = ids(ran.filter(({ content }) => content !== undefined))
      expect(scanned).toEqual(Array.from({ length: scanned.length }, (_, id) => id))
      const ahead = ids(ran.filter(({ content }) => content === undefined))
      expect(new Set(ahead).size).toBe(ahead.length)
      expect(ahead.length).toBeGreaterThan(0)
      expect(ahead.length).toBeLessThan(scanned.length)
    }
  })

  it('that is damaged is said to be that', async () => {
    const stored = gzipSync(make(name, 6, 600_000))
    const damaged = Uint8Array.from(stored)
    const at = damaged.length >> 1
    damaged.fill(0xff, at, at + 8)
    await expect(indexOf(format, damaged, inThisThread)).rejects.toMatchObject({
      code: 'MALFORMED_DATA',
      message: expect.stringMatching(/deflate|gzip/),
    })
    damaged.set(stored)
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] as number) ^ 1
    await expect(indexOf(format, damaged, inThisThread)).rejects.toThrow('CRC-32')
  })
})

it('records at fault are named alike, scanned while it is decoded or after', async () => {
  const content = Buffer.concat([
    make('fastq', 7, 400_000),
    Buffer.from('@a\nACGT\n+\nIII\n'),
    make('fastq', 8, 9000),
  ])
  const stored = gzipSync(content)
  const arms = [
    [later(FASTQ), sideBySide],
    [FASTQ, inThisThread],
    [FASTQ, sideBySide],
  ] as const
  const [after, ...before] = await Promise.all(
    arms.map(([format, executor]) =>
      indexOf(format, stored, executor, 40_000).catch((error: unknown) => error as DataplugError),
    ),
  )
  expect(after).toMatchObject({ code: 'MALFORMED_DATA', offset: expect.any(Number) })
  for (const error of before) expect(error).toEqual(after)
})

it('options of the format are checked before the object is decoded', async () => {
  const counted = counting(memoryStore({ [URI]: gzipSync(make('csv', 9, 2_000_000)) }))
  const object = await CloudObject.open(CSV, URI, { store: counted.store })
  const preprocess = object.preprocess({ formatOptions: { separator: 'too long' } as never })
  await expect(preprocess).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(counted.requests).toBeLessThanOrEqual(2)
})

it('goes on where it was interrupted, also with more workers or fewer', async () => {
  const stored = gzipSync(make('fastq', 10, 2_000_000), { level: 1 })
  const store = memoryStore({ [URI]: stored })
  let tasks = 0
  /** Ends with the task after so many. */
  const run = async (concurrency: number, limit = Number.POSITIVE_INFINITY) => {
    tasks = 0
    const executor: Executor = {
      ...inThisThread,
      concurrency,
      run: (...work) => {
        if (++tasks > limit) throw new DataplugError('NETWORK', 'no more')
        return inThisThread.run(...work)
      },
    }
    const object = await CloudObject.open(FASTQ, URI, { store })
    await object.preprocess({ executor, span: SPAN, chunkSize: 100_000, force: true })
    return storedIndex(store)
  }
  const whole = await run(1)
  const all = tasks
  expect(all).toBeGreaterThan(8)
  for (const [first, then] of [
    [1, 1],
    [1, 4],
    [4, 1],
    [4, 4],
  ] as const) {
    await expect(run(first, 4)).rejects.toThrow('no more')
    expect((await run(then)).equals(whole)).toBe(true)
    if (first === 1 && then === 1) expect(tasks).toBe(all - 4)
  }
})

describe('a format that breaks its word', () => {
  /** Its parts' ranges have to tile the content. */
  const format = (
    name: string,
    look: (chunk: Chunk) => Promise<unknown>,
    pieces = Number.POSITIVE_INFINITY,
  ) =>
    defineFormat<string, { readonly range: Range }, { readonly range: Range }, Uint8Array>({
      name,
      version: 1,
      module: import.meta.url,
      scansForward: () => true,
      async scan(chunk): Promise<Part> {
        let left = pieces
        for await (const _ of chunk.stream()) if (--left === 0) break
        await look(chunk)
        return { range: [...chunk.range] }
      },
      merge(parts) {
        const ranges = parts.map(({ range }) => range as unknown as Range)
        for (const [i, [start]] of ranges.entries()) expect(start).toBe(i > 0 ? ranges[i - 1]?.[1] : 0)
        return { attributes: { range: [0, ranges.at(-1)?.[1] ?? 0] } }
      },
      read: ({ range }, { main }) => ({ bytes: () => main.read(range) }),
    })
  const content = make('fastq', 11, 500_000)
  const rangeBy = async (format: AnyFormat) =>
    (await indexOf(format, gzipSync(content), inThisThread, 40_000)).attributes.range

  it('and looks for a sibling is not told that there is none, but asked once more', async () => {
    const look = vi.fn(({ sibling }: Chunk) => sibling('t.gz.fai'))
    expect(await rangeBy(format('looks-beside', look))).toEqual([0, content.length])
    const found = await Promise.allSettled(look.mock.results.map(({ value }) => value))
    expect(found[0]?.status).toBe('rejected')
    expect(found.at(-1)).toEqual({ status: 'fulfilled', value: undefined })
  })

  it('and leaves some of the stream is asked once more', async () => {
    expect(await rangeBy(format('leaves-some', async () => {}, 1))).toEqual([0, content.length])
  })
})

it('a format that reads what it said it would not is asked once more', async () => {
  const format = defineFormat<
    'reads-more',
    { readonly bytes: number; readonly first: string },
    { readonly range: Range },
    Uint8Array
  >({
    name: 'reads-more',
    version: 1,
    module: import.meta.url,
    scansForward: () => true,
    async scan({ stream, source, range }): Promise<Part> {
      let length = 0
      for await (const piece of stream()) length += piece.length
      const [first = 0] = await source.bytes([range[0], range[0] + 1])
      return { length, first }
    },
    merge: (parts) => ({
      attributes: {
        bytes: parts.reduce((sum, { length }) => sum + (length as number), 0),
        first: parts.map(({ first }) => String.fromCharCode(first as number)).join(''),
      },
    }),
    read: ({ range }, { main }) => ({ bytes: () => main.read(range) }),
  })
  const content = make('fastq', 11, 500_000)
  const { attributes } = await indexOf(format, gzipSync(content), inThisThread, 40_000)
  expect(attributes.bytes).toBe(content.length)
  expect(attributes.first).toMatch(/^@/)
})
