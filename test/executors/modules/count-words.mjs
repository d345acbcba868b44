export default async (slice) => {
  const text = await slice.get()
  return { id: slice.id, words: text.split(/\s+/).filter(Boolean).length }
}
