/**
 * Runs checks one after the other, tells how each went, and closes with one line to look for.
 *
 * @param {readonly (readonly [name: string, run: () => unknown])[]} checks
 * @returns {Promise<boolean>} whether all passed
 */
export async function report(checks) {
  let failed = 0
  for (const [name, run] of checks) {
    const started = performance.now()
    try {
      await run()
      console.log(`ok    ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
    } catch (error) {
      failed++
      console.log(`FAIL  ${name}\n${String(error?.stack ?? error).replace(/^/gm, '      ')}`)
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`)
  return failed === 0
}
