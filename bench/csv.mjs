// CSV: the row kernel against the plain line kernel; preprocessing against papaparse and csv-parse counting rows of the
// same file, and two threads against one; against DuckDB and Polars where `python3` (or $PYTHON) has them.
//   node bench/csv.mjs [MiB]   default 2048, of which papaparse and csv-parse read a sixteenth, and papaparse a quarter, too
import { spawnSync } from 'node:child_process'
import { createReadStream, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse'
import { CloudObject, threads } from 'dataplug'
import { CSV, partitionNumChunks } from 'dataplug/formats/csv'
import { UTF8Text } from 'dataplug/formats/text'
import Papa from 'papaparse'
import { alternate, finish, MiB, machine, median, ratio, report } from './measure.mjs'

const mebibytes = Number(process.argv[2] ?? 2048)

/** Rows as people have them: numbers, dates, text; of each kind a stretch of 4 MiB, repeated. */
const kinds = {
  'no quotes': (i) =>
    `${i},name${i % 97},${(i * 7.31).toFixed(2)},2024-01-${(i % 28) + 1},some text here,ABC\n`,
  'some quotes': (i) =>
    i % 4
      ? `${i},name${i % 97},${(i * 7.31).toFixed(2)},2024-01-${(i % 28) + 1},some text here,ABC\n`
      : `${i},"name, ${i % 97}",${(i * 7.31).toFixed(2)},2024-01-${(i % 28) + 1},"some\ntext, ""here""",ABC\n`,
  'all quoted': (i) =>
    `"${i}","name ${i % 97}","${(i * 7.31).toFixed(2)}","2024-01-${(i % 28) + 1}","some text, ""here""","ABC"\n`,
}

function rows(kind, size) {
  const pieces = []
  for (let i = 0, length = 0; length < size; i++) length += pieces[pieces.push(kinds[kind](i)) - 1].length
  return Buffer.from(pieces.join(''))
}

function writeFile(path, kind, size) {
  const part = rows(kind, 4 * MiB)
  const file = openSync(path, 'w')
  writeSync(file, 'id,name,amount,day,note,code\n')
  for (let written = 0; written < size; written += part.length) writeSync(file, part)
  return path
}

/** The kernels by themselves, on an instance of their own, the copy into WebAssembly included. */
function kernels() {
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(readFileSync(new URL('../dist/core.wasm', import.meta.url))),
  )
  exports.init()
  const heap = new Uint8Array(exports.memory.buffer)
  const [input, output] = [exports.inputPointer(), exports.outputPointer()]
  const state = new Uint32Array(heap.buffer, exports.csvState(), 18)
  const WINDOW = 128 * 1024
  return async (kind) => {
    const data = rows(kind, 32 * MiB)
    const bytes = data.subarray(0, data.length - (data.length % WINDOW))
    const each = (run) => {
      for (let at = 0; at < bytes.length; at += WINDOW) {
        heap.set(bytes.subarray(at, at + WINDOW), input)
        run()
      }
    }
    const scan = () => {
      let count = 0
      state.set([10, 44, 34, 0xffffffff, 0xffffffff, 5, 2, 0, 0])
      each(() => {
        exports.csvScan(input, WINDOW, 512)
        count += state[9]
      })
      return count
    }
    const expected = Papa.parse(bytes.toString('latin1').replace(/\n[^\n]*$/, '')).data.length
    if (Math.abs(scan() - expected) > 1) throw new Error(`${kind}: ${scan()} rows, papaparse has ${expected}`)
    const times = await alternate(
      {
        rows: () => void scan(),
        lines: () => each(() => exports.lineCountsPerBlock(input, WINDOW / 512, 512, output)),
      },
      9,
    )
    const speed = (name) => `${(bytes.length / 1e6 / median(times[name])).toFixed(0)} MB/s`
    report(`row kernel over line kernel, ${kind}`, ratio(times.lines, times.rows), {
      atLeast: 0.5,
      unit: '×',
      detail: `${speed('rows')} and ${speed('lines')}`,
    })
  }
}

const countPapa = (path) =>
  new Promise((resolve, reject) => {
    let count = 0
    Papa.parse(createReadStream(path), {
      chunk: ({ data }) => {
        count += data.length
      },
      skipEmptyLines: true,
      complete: () => resolve(count - 1),
      error: reject,
    })
  })

async function countCsvParse(path) {
  let count = -1
  for await (const _ of createReadStream(path).pipe(parse())) count++
  return count
}

async function preprocess(path, executor, format = CSV) {
  const object = await CloudObject.open(format, path)
  await object.preprocess({ force: true, ...(executor ? { executor } : {}) })
  return object
}

/** The rows of a file against its lines, as preprocessing finds them: reading included, threads started. */
async function scans(path, executor) {
  const find = (format) => () => preprocess(path, executor, format).then(() => {})
  const times = await alternate({ rows: find(CSV), lines: find(UTF8Text) }, 5)
  report('scan of rows over scan of lines, two workers', ratio(times.lines, times.rows), {
    atLeast: 0.5,
    unit: '×',
  })
}

/** Seconds that another program takes to count rows with one thread, as it tells; undefined when it is not there. */
function python(module, path) {
  const programs = {
    duckdb: `import duckdb, time
duckdb.sql("SET threads = 1")
t = time.perf_counter()
n = duckdb.sql("SELECT count(*) FROM read_csv('${path}', header = true, quote = '\\"')").fetchall()[0][0]`,
    polars: `import os
os.environ["POLARS_MAX_THREADS"] = "1"
import polars, time
t = time.perf_counter()
n = polars.scan_csv("${path}").select(polars.len()).collect().item()`,
  }
  const script = `${programs[module]}\nprint(n, time.perf_counter() - t)`
  const { status, stdout } = spawnSync(process.env.PYTHON ?? 'python3', ['-c', script], { encoding: 'utf8' })
  if (status !== 0) return undefined
  const [count, seconds] = stdout.trim().split('\n').at(-1).split(' ').map(Number)
  return { count, seconds }
}

const folder = mkdtempSync(join(tmpdir(), 'dataplug-bench-'))
try {
  console.log(`csv: ${machine()}`)
  const measure = kernels()
  for (const kind of Object.keys(kinds)) await measure(kind)

  const others = [
    ['papaparse', countPapa, 16],
    ['papaparse', countPapa, 4],
    ['csv-parse', countCsvParse, 16],
  ]
  for (const [name, count, share] of others) {
    const part = writeFile(join(folder, 'part.csv'), 'some quotes', (mebibytes / share) * MiB)
    const { totalRows } = (await preprocess(part)).attributes
    const counted = await count(part)
    if (counted !== totalRows) throw new Error(`${name} counts ${counted} rows, the index ${totalRows}`)
    const times = await alternate(
      { own: () => preprocess(part).then(() => {}), other: async () => void (await count(part)) },
      3,
    )
    const speed = (arm) => `${(statSync(part).size / 1e6 / median(times[arm])).toFixed(0)} MB/s`
    report(`preprocess over ${name} counting rows, ${mebibytes / share} MiB`, ratio(times.other, times.own), {
      atLeast: 20,
      unit: '×',
      detail: `${speed('own')} and ${speed('other')}`,
    })
  }

  const large = writeFile(join(folder, 'large.csv'), 'some quotes', mebibytes * MiB)
  const size = statSync(large).size
  const pool = threads({ size: 2 })
  try {
    const one = await threads({ size: 1 })
    await preprocess(large, pool)
    const object = await preprocess(large, one)
    const times = await alternate(
      {
        two: () => preprocess(large, pool).then(() => {}),
        one: () => preprocess(large, one).then(() => {}),
      },
      3,
    )
    await one[Symbol.asyncDispose]()
    const speed = (arm) => `${(size / 1e6 / median(times[arm])).toFixed(0)} MB/s`
    report('two workers over one', ratio(times.one, times.two), {
      atLeast: 1.7,
      unit: '×',
      detail: `${speed('two')} and ${speed('one')}`,
    })
    report('index ÷ object', statSync(`${large}.dataplug`).size / size)

    for (const module of ['duckdb', 'polars']) {
      const first = python(module, large)
      if (!first) {
        console.log(`  ${module}: not installed for ${process.env.PYTHON ?? 'python3'}, NOT compared`)
        continue
      }
      if (first.count !== object.attributes.totalRows) throw new Error(`${module} counts ${first.count} rows`)
      const others = await alternate(
        { own: () => preprocess(large).then(() => {}), other: () => python(module, large).seconds },
        3,
      )
      report(
        `preprocess in one thread over ${module} counting rows with one`,
        ratio(others.other, others.own),
        {
          atLeast: 2,
          unit: '×',
          detail: `${(size / 1e6 / median(others.own)).toFixed(0)} and ${(size / 1e6 / median(others.other)).toFixed(0)} MB/s`,
        },
      )
    }

    await scans(large, pool)
    await preprocess(large, pool)
    const reopened = await CloudObject.open(CSV, large)
    const slices = await reopened.partition(partitionNumChunks, {
      numChunks: Math.max(2, Math.round(size / (64 * MiB))),
    })
    let delivered = 0
    const started = performance.now()
    for await (const _ of slices[1].records()) delivered++
    const seconds = (performance.now() - started) / 1000
    report('records of a slice', delivered / seconds / 1e6, { unit: ' million/s' })
  } finally {
    await pool[Symbol.asyncDispose]()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()
