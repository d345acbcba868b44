// Reads slices, one JSON line each, and prints the SHA-256 of each one's bytes.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Slice } from 'dataplug'

for await (const line of createInterface({ input: process.stdin })) {
  const hash = createHash('sha256')
  for await (const chunk of Slice.fromJSON(line).stream()) hash.update(chunk)
  console.log(hash.digest('hex'))
}
