/** The last number from `low` to `high` for which `at`, which never falls, is less than `limit`; `low` when there is none. */
export function lastBelow(limit: number, low: number, high: number, at: (i: number) => number): number {
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (at(middle) < limit) low = middle
    else high = middle - 1
  }
  return low
}
