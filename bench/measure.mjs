// What the benchmarks share: alternating arms, medians, the machine, one line for each result.
import { cpus, totalmem } from 'node:os'

export const MiB = 1024 * 1024
export const GiB = 1024 * MiB

export function machine() {
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / GiB)} GiB, Node ${process.version}`
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Runs the arms in turn, A B A B …, `rounds` times after one that does not count. Each arm returns its own
 * seconds, or is timed as a whole. Returns arrays of seconds by arm.
 */
export async function alternate(arms, rounds) {
  const times = Object.fromEntries(Object.keys(arms).map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(arms)) {
      const started = performance.now()
      const own = await run()
      const seconds = typeof own === 'number' ? own : (performance.now() - started) / 1000
      if (round >= 0) times[name].push(seconds)
    }
  }
  return times
}

/** Median of the ratios of each round: what drift of the machine leaves alone. */
export function ratio(a, b) {
  return median(a.map((value, i) => value / b[i]))
}

const failures = []

/** Prints `name: value (target)` and remembers a target that was missed. */
export function report(name, value, { atMost, atLeast, unit = '', detail = '' } = {}) {
  const met = (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast)
  const target =
    atMost !== undefined
      ? ` (target ≤ ${atMost}${unit})`
      : atLeast !== undefined
        ? ` (target ≥ ${atLeast}${unit})`
        : ''
  console.log(
    `${met ? ' ' : '!'} ${name}: ${Number(value.toPrecision(4))}${unit}${target}${detail ? `  ${detail}` : ''}`,
  )
  if (!met) failures.push(name)
}

/** Sets the exit code when a target was missed. */
export function finish() {
  if (failures.length > 0) {
    console.log(`missed: ${failures.join('; ')}`)
    process.exitCode = 1
  }
}
