// Runs in a worker, once for each slice: how often each word occurs in it.
export default async function countWords(slice, { signal }) {
  const bytes = await slice.bytes({ signal })
  return { bytes: bytes.length, counts: count(new TextDecoder().decode(bytes)) }
}

export function count(text) {
  const counts = new Map()
  for (const [word] of text.matchAll(/[^ \t\n\v\f\r]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
