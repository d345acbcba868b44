import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { execute } from '../../src/cloud/execute.js'
import { parseLine } from '../../src/cloud/line.js'
import { prepare, sameOptions } from '../../src/cloud/prepare.js'
import { buildFromParts } from '../../src/cloud/preprocess.js'
import { parseResult, resultLine } from '../../src/cloud/result.js'
import { openSources } from '../../src/cloud/sources.js'
import { planTasks } from '../../src/cloud/task.js'
import { loadCore } from '../../src/core/core.js'
import { DataplugError } from '../../src/errors.js'
import { defineFormat, type JsonObject, type ReadContext } from '../../src/formats/format.js'
import { UTF8Text } from '../../src/formats/text.js'
import { memoryStore } from '../../src/storage/memory.js'

type Options = { readonly marker?: string; readonly times?: number }

let asked = 0

/** Counts a marker that is the first byte, unless an option says otherwise. */
const Marked = defineFormat<
  'marked',
  { marker: string; count: number },
  { range: [number, number] },
  never,
  Options
>({
  name: 'marked',
  version: 1,
  module: import.meta.url,
  async prepare({ main }: ReadContext, { marker, ...others }: Options) {
    asked++
    for (const name of Object.keys(others)) {
      if (name !== 'times') throw new DataplugError('INVALID_ARGUMENT', `there is no option ${name}`)
    }
    const first = await main.bytes([0, Math.min(1, main.size)])
    return { marker: marker ?? String.fromCharCode(...first) }
  },
  async scan({ prepared, stream }) {
    const marker = String(prepared?.marker).charCodeAt(0)
    let count = 0
    for await (const piece of stream()) for (const byte of piece) if (byte === marker) count++
    return { count }
  },
  merge: (parts, { prepared }) => ({
    attributes: {
      marker: String(prepared?.marker),
      count: parts.reduce((sum, { count }) => sum + (count as number), 0),
    },
  }),
  read: ({ range }, { main }) => ({ bytes: () => main.read(range) }),
})

const data = new TextEncoder().encode('#a#b;c;;d#'.repeat(20))

function stored(bytes: Uint8Array = data) {
  const store = memoryStore({ 'memory:m': bytes })
  return { store, open: () => CloudObject.open(Marked, 'memory:m', { store }) }
}

describe('what is prepared', () => {
  it('reaches every task and the merge, and is asked for once', async () => {
    const object = await stored().open()
    asked = 0
    await object.preprocess({ chunkSize: 7 })
    expect(object.attributes).toEqual({ marker: '#', count: 60 })
    expect(asked).toBe(1)
  })

  it('is about the content of a compressed object', async () => {
    const object = await stored(gzipSync(data)).open()
    await object.preprocess()
    expect(object.attributes).toEqual({ marker: '#', count: 60 })
  })

  it('follows options, and an index made with others is made anew', async () => {
    const { open } = stored()
    const object = await open()
    await object.preprocess()
    await object.preprocess({ formatOptions: { marker: ';' } })
    expect(object.attributes).toEqual({ marker: ';', count: 60 })
    asked = 0
    const again = await open()
    await again.preprocess()
    await again.preprocess({ formatOptions: { marker: ';' } })
    expect(asked).toBe(0)
    await again.preprocess({ formatOptions: {} })
    expect(again.attributes.marker).toBe('#')
    expect(asked).toBe(1)
  })

  it('tells plans apart when a run is taken up', async () => {
    const { store, open } = stored()
    const stop = new Error('stop')
    const core = await loadCore()
    let left = 3
    const executor = {
      name: 'three',
      concurrency: 1,
      async run({ line }: { readonly line: string }) {
        if (left-- === 0) throw stop
        return execute({ line }, { store, modules: [] })
      },
      [Symbol.asyncDispose]: async () => {},
    }
    const object = await open()
    const started = object.preprocess({ chunkSize: 50, executor, formatOptions: { marker: ';' } })
    await expect(started).rejects.toBe(stop)
    await object.preprocess({ chunkSize: 50 })
    expect(object.attributes).toEqual({ marker: '#', count: 60 })
    expect(core).toBeDefined()
  })

  it('travels in task and result lines', async () => {
    const { store, open } = stored()
    const object = await open()
    const core = await loadCore()
    const sources = () => openSources(store, object, core)
    const prepared = await prepare(Marked, sources, core, { marker: ';' }, undefined)
    const results = []
    for (const task of planTasks(Marked, object, 33, prepared)) {
      const line = JSON.stringify(task)
      expect(parseLine(line)).toEqual(task)
      const part = (await execute({ line }, { store, modules: [] })) as Uint8Array
      results.push(parseResult(JSON.stringify(resultLine(task, part))))
    }
    const parts = results.map(({ bytes }) => bytes)
    const built = await buildFromParts(Marked, object, parts, results[0]?.prepared)
    expect(built.attributes).toEqual({ marker: ';', count: 60 })
    for (const broken of [7, null, [], { options: {} }, { options: [], result: {} }]) {
      const line = { ...planTasks(Marked, object, 33)[0], prepared: broken }
      expect(() => parseLine(JSON.stringify(line))).toThrowError(
        expect.objectContaining({ code: 'INVALID_SLICE' }),
      )
    }
  })
})

describe('options', () => {
  it('are refused by formats that take none, and by those that do not know them', async () => {
    const store = memoryStore({ 'memory:t': data })
    const text = await CloudObject.open(UTF8Text, 'memory:t', { store })
    const foreign = { separator: ';' } as unknown as Record<string, never>
    await expect(text.preprocess({ formatOptions: foreign })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    const object = await stored().open()
    const unknown = object.preprocess({ formatOptions: foreign as Options })
    await expect(unknown).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('are the same in any order and without what is undefined', () => {
    const made: JsonObject = { a: 1, b: ';' }
    expect(sameOptions(made, { b: ';', c: undefined, a: 1 })).toBe(true)
    expect(sameOptions(made, undefined)).toBe(true)
    expect(sameOptions(undefined, {})).toBe(true)
    expect(sameOptions(made, { a: 1 })).toBe(false)
  })
})
