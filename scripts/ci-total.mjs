// Sums up what .ci/run noted in a folder: steps.jsonl with a line for each step, and the reports it points to.
// A step without tests of its own counts as one; a suite that ended badly or left no report counts as one failure
// at least. Exits with 1 when anything failed.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2] ?? '.cache/ci'

/** `{ passed, failed, skipped, names }` by kind of step; `undefined` when there is no readable report. */
const readers = {
  check: ({ code }) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, names: [] }),

  log({ name }) {
    const text = read(`${name}.log`)
    const last = [...(text ?? '').matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1)
    if (!last) return undefined
    const names = [...text.matchAll(/^FAIL +(.+)$/gm)].map(([, found]) => found)
    return { passed: Number(last[1]), failed: Number(last[2]), skipped: 0, names }
  },

  vitest({ name }) {
    const text = read(`${name}.json`)
    if (text === undefined) return undefined
    const { numTotalTests, numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } =
      JSON.parse(text)
    const skipped = numPendingTests + numTodoTests
    // When a file's process dies, its tests are neither passed nor failed.
    const lost = numTotalTests - numPassedTests - numFailedTests - skipped
    const failedTests = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed').map(nameAndReason),
    )
    // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
    const broken = testResults
      .filter(
        ({ status, assertionResults }) =>
          status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
      )
      .map((file) => `${file.name}: ${file.message ?? ''}`.trim())
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken.length + lost,
      skipped,
      names: [...failedTests, ...broken, ...(lost > 0 ? [`${lost} tests did not end`] : [])],
    }
  },
}

/** A failed test, with the start of what it said: of a long run, often this summary alone is kept. */
function nameAndReason({ fullName, failureMessages = [] }) {
  const lines = failureMessages.join('\n').split('\n').slice(0, 12)
  return [fullName, ...lines.map((line) => `    ${line.slice(0, 300)}`)].join('\n    ')
}

function read(name) {
  const path = join(folder, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function resultOf(step) {
  let result
  try {
    result = readers[step.kind](step)
  } catch (error) {
    return { passed: 0, failed: 1, skipped: 0, names: [`the report cannot be read: ${error.message}`] }
  }
  if (!result) return { passed: 0, failed: 1, skipped: 0, names: ['it left no report'] }
  if (result.failed > 0) return result
  if (step.code !== 0) return { ...result, failed: 1, names: [`it ended with exit code ${step.code}`] }
  if (result.passed === 0) return { ...result, failed: 1, names: ['it ran no test'] }
  return result
}

const steps = (read('steps.jsonl') ?? '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line))
const results = steps.map((step) => ({ step, result: resultOf(step) }))
if (steps.length === 0)
  results.push({
    step: { name: 'no step ran', seconds: 0 },
    result: { passed: 0, failed: 1, skipped: 0, names: [] },
  })

for (const { step, result } of results) {
  const { passed, failed, skipped, names } = result
  const numbers = [`${passed} passed`, `${failed} failed`, skipped > 0 ? `${skipped} skipped` : '']
  const columns = numbers.map((text) => text.padStart(12)).join('')
  console.log(`${step.name.padEnd(14)}${columns}${`${step.seconds} s`.padStart(8)}`)
  for (const name of names) console.log(`    ${name}`)
}
const total = (member) => results.reduce((sum, { result }) => sum + result[member], 0)
console.log(`${total('passed')} passed, ${total('failed')} failed`)
process.exitCode = total('failed') === 0 ? 0 : 1
