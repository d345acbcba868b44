import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/ci-total.mjs', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataplug-ci-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const step = (name: string, kind: string, code = 0) => JSON.stringify({ name, kind, code, seconds: 1 })

function total(steps: readonly string[], files: Readonly<Record<string, string>> = {}) {
  writeFileSync(join(folder, 'steps.jsonl'), steps.map((line) => `${line}\n`).join(''))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { stdout, status } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' })
  return { last: stdout.trimEnd().split('\n').at(-1), status, stdout }
}

/** A report of vitest. A file's message stands for one that could not be loaded. */
function report(passed: number, failed: number, brokenFile?: string, lost = 0): string {
  const tests = (count: number, status: string) =>
    Array.from({ length: count }, (_, i) => ({
      status,
      fullName: `${status} ${i}`,
      failureMessages: status === 'failed' ? [`expected ${i}\n    at a.test.ts:7:1`] : [],
    }))
  return JSON.stringify({
    numTotalTests: passed + failed + lost,
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [
      {
        name: 'a.test.ts',
        status: failed > 0 ? 'failed' : 'passed',
        assertionResults: [...tests(passed, 'passed'), ...tests(failed, 'failed')],
      },
      ...(brokenFile
        ? [{ name: 'b.test.ts', status: 'failed', message: brokenFile, assertionResults: [] }]
        : []),
    ],
  })
}

test('suites of every kind are added up', () => {
  const { last, status } = total([step('unit', 'vitest'), step('pack', 'log'), step('lint', 'check')], {
    'unit.json': report(12, 0),
    'pack.log': '3 passed, 3 failed\nok\n5 passed, 0 failed\n',
  })
  expect(last).toBe('18 passed, 0 failed')
  expect(status).toBe(0)
})

test('failures are counted and named', () => {
  const steps = [step('unit', 'vitest', 1), step('pack', 'log', 1), step('lint', 'check', 1)]
  const { last, status, stdout } = total(steps, {
    'unit.json': report(12, 2),
    'pack.log': 'FAIL  it installs\n5 passed, 1 failed\n',
  })
  expect(last).toBe('17 passed, 4 failed')
  expect(status).toBe(1)
  expect(stdout).toContain('failed 1')
  expect(stdout).toContain('expected 1')
  expect(stdout).toContain('it installs')
})

test.each([
  [
    'a file that cannot be loaded',
    step('unit', 'vitest', 1),
    { 'unit.json': report(4, 0, 'SyntaxError') },
    4,
  ],
  ['an error outside of any test', step('unit', 'vitest', 1), { 'unit.json': report(4, 0) }, 4],
  [
    'a process that dies in a test',
    step('unit', 'vitest', 1),
    { 'unit.json': report(4, 0, undefined, 1) },
    4,
  ],
  ['a crash before the report', step('unit', 'vitest', 1), {}, 0],
  ['a report that breaks off', step('unit', 'vitest', 0), { 'unit.json': '{"numPassed' }, 0],
  ['a suite without tests', step('unit', 'vitest', 0), { 'unit.json': report(0, 0) }, 0],
  ['a script that ends without its line', step('pack', 'log', 0), { 'pack.log': 'ok\n' }, 0],
  ['a script that fails after its line', step('pack', 'log', 1), { 'pack.log': '4 passed, 0 failed\n' }, 4],
  ['a time-out', step('demo', 'check', 124), {}, 0],
])('%s counts as one failure', (_, line, files, passed) => {
  expect(total([line], files)).toMatchObject({ last: `${passed} passed, 1 failed`, status: 1 })
})

test('no steps at all is a failure', () => {
  expect(total([])).toMatchObject({ last: '0 passed, 1 failed', status: 1 })
})
