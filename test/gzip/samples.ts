// Data with the statistics that matter to deflate, made from a seed.

/** Uniform numbers in [0, 1): xorshift32. */
export function random(seed: number): () => number {
  let s = (seed * 2654435761) | 1
  return () => {
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    return (s >>> 0) / 2 ** 32
  }
}

export function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed)
  return Uint8Array.from({ length }, () => next() * 256)
}

/** Reads as a sequencer writes them: literals and short matches. */
export function fastq(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed)
  const letters = (from: string, n: number) =>
    Array.from({ length: n }, () => from[Math.floor(next() * from.length)])
  const lines: string[] = []
  for (let size = 0, i = 0; size < length; i++) {
    const read = `@SRR000.${i} ${i}/1\n${letters('ACGT', 100).join('')}\n+\n${letters('FFFFFFFF:F,#FFFFF:FF', 100).join('')}\n`
    lines.push(read)
    size += read.length
  }
  return new TextEncoder().encode(lines.join('')).slice(0, length)
}

/** Long runs and far, long repeats beside noise: every kind of match. */
export function patchwork(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed)
  const out = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const n = Math.min(1 + Math.floor(next() ** 4 * 3000), length - at)
    const kind = next()
    if (kind < 0.3 && at > 0) {
      const distance = 1 + Math.floor(next() ** 3 * Math.min(at, 32768) * 0.9999)
      for (let i = 0; i < n; i++) out[at + i] = out[at + i - distance] ?? 0
    } else if (kind < 0.5) out.fill(next() * 256, at, at + n)
    else for (let i = 0; i < n; i++) out[at + i] = kind < 0.8 ? 97 + next() * 6 : next() * 256
    at += n
  }
  return out
}
