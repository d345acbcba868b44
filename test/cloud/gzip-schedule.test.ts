import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scheduleTasks } from '../../src/cloud/gzip-schedule.js'
import type { TaskLine } from '../../src/cloud/line.js'
import type { Stage } from '../../src/cloud/run-tasks.js'
import type { Part } from '../../src/formats/format.js'

interface Case {
  /** Milliseconds that each task takes; null for one that was done before. */
  readonly times: readonly (number | null)[]
  readonly lanes: number
  readonly reserve: number
}

interface Ran {
  readonly id: number
  /** The place that it was told to start at. */
  readonly bit: number | undefined
}

/** Tasks that take time and find nothing. */
function makeStage({ times }: Case, fail?: number) {
  const ran: Ran[] = []
  const under = { way: 0, most: 0 }
  const kept = new Map<number, Part>(times.flatMap((time, id) => (time === null ? [[id, {}]] : [])))
  const stage: Stage = {
    kept,
    async run({ id, from }, signal, onPart) {
      signal?.throwIfAborted()
      ran.push({ id, bit: from?.bit })
      under.way++
      under.most = Math.max(under.most, under.way)
      try {
        await wait(times[id] ?? 0, undefined, { signal })
        if (id === fail) throw new Error(`task ${id} fails`)
        onPart?.({})
        // It is kept.
        await wait(0)
        return {}
      } finally {
        under.way--
      }
    },
  }
  const tasks = times.map((_, id) => ({ id }) as TaskLine)
  return { stage, tasks, ran, under }
}

const place = (id: number) => (id === 0 ? undefined : { bit: id * 100, window: new Uint8Array(2) })

const cases: fc.Arbitrary<Case> = fc.record({
  times: fc.array(fc.oneof({ weight: 5, arbitrary: fc.nat(4) }, fc.constant(null)), {
    minLength: 1,
    maxLength: 25,
  }),
  lanes: fc.integer({ min: 1, max: 5 }),
  reserve: fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY),
})

describe('tasks of a gzip object side by side', () => {
  it('run once each, at most so many at once, and know what is before them only when they are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const { stage, tasks, ran, under } = makeStage(given)
        const results = scheduleTasks(stage, tasks, { ...given, signal: undefined })
        for (const task of tasks)
          expect(await results.get(task, place(task.id))).toMatchObject({ gzip: undefined })
        await results.stop()
        const wanted = given.times.flatMap((time, id) => (time === null ? [] : [id]))
        expect(ran.map(({ id }) => id).sort((a, b) => a - b)).toEqual(wanted)
        expect(under.most).toBeLessThanOrEqual(given.lanes)
        for (const { id, bit } of ran) if (bit !== undefined) expect(bit).toBe(place(id)?.bit)
        if (given.reserve === Number.POSITIVE_INFINITY) {
          expect(ran.every(({ id, bit }) => bit === place(id)?.bit)).toBe(true)
        }
        if (given.reserve === 0) expect(ran.every(({ bit }) => bit === undefined)).toBe(true)
        // With one lane all are asked for before they run, unless one before was there at once.
        else if (given.lanes === 1 && wanted.length === tasks.length)
          expect(ran.every(({ id, bit }) => bit === place(id)?.bit)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('leave some to the lane that knows what is before it', async () => {
    const given: Case = { times: Array.from({ length: 40 }, () => 5), lanes: 2, reserve: 2 }
    const { stage, tasks, ran } = makeStage(given)
    const results = scheduleTasks(stage, tasks, { ...given, signal: undefined })
    for (const task of tasks) await results.get(task, place(task.id))
    await results.stop()
    expect(ran.slice(0, 2).map(({ id }) => id)).toEqual([0, 2])
    expect(ran.filter(({ bit }) => bit !== undefined).length).toBeGreaterThan(10)
  })

  it('begin nothing more once all were asked for that are needed, but what was put off', async () => {
    const given: Case = { times: Array.from({ length: 40 }, () => 3), lanes: 2, reserve: 2 }
    const { stage, tasks, ran, under } = makeStage(given)
    const results = scheduleTasks(stage, tasks, { ...given, signal: undefined })
    for (const task of tasks.slice(0, 4)) await results.get(task, place(task.id))
    const later = results.scanLater({ ...(tasks[2] as TaskLine), content: 7 })
    await results.finish()
    expect(await later).toBeUndefined()
    expect(under.way).toBe(0)
    expect(ran.length).toBeLessThan(9)
    expect(ran.filter(({ id }) => id === 2)).toHaveLength(2)
    await results.stop()
  })

  it('end with the first failure, and when they are stopped', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.nat(24), fc.nat(24), async (given, at, stop) => {
        const fail = at % given.times.length
        const { stage, tasks, under } = makeStage(given, fail)
        const results = scheduleTasks(stage, tasks, { ...given, signal: undefined })
        let failure: unknown
        for (const task of tasks.slice(0, stop)) {
          failure ??= await results.get(task, place(task.id)).then(
            () => undefined,
            (error: unknown) => error,
          )
          if (failure) break
        }
        await results.stop()
        expect(under.way).toBe(0)
        if (failure) expect(failure).toMatchObject({ message: `task ${fail} fails` })
        else if (stop > fail) expect(given.times[fail]).toBeNull()
      }),
      { numRuns: 60 },
    )
  })
})
