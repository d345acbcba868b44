import { byUtf8, type ObjectBackend, type Staged, type Staging, type StoredObject } from './objects.js'

const PIECE = 1024 * 1024

interface Held {
  readonly info: StoredObject
  readonly bytes: Buffer
}

interface StagedBytes extends Staged {
  readonly bytes: Buffer
}

export function memoryBackend(): ObjectBackend {
  const buckets = new Map<string, { readonly created: number; readonly objects: Map<string, Held> }>()
  const staged = new WeakMap<Staged, Buffer>()
  const objects = (bucket: string) => buckets.get(bucket)?.objects

  return {
    buckets: () =>
      [...buckets].map(([name, { created }]) => ({ name, created })).sort((a, b) => byUtf8(a.name, b.name)),
    hasBucket: (bucket) => buckets.has(bucket),
    createBucket: (bucket) => void buckets.set(bucket, { created: Date.now(), objects: new Map() }),
    deleteBucket: (bucket) => void buckets.delete(bucket),
    keys: (bucket) => [...(objects(bucket)?.keys() ?? [])].sort(byUtf8),
    stat: (bucket, key) => objects(bucket)?.get(key)?.info,
    open(bucket, key) {
      const held = objects(bucket)?.get(key)
      return (
        held && { info: held.info, read: (start, end) => pieces(held.bytes, start, end), close: () => {} }
      )
    },
    stage: () =>
      stageBytes((result) => {
        staged.set(result, result.bytes)
        return result
      }),
    publish(bucket, key, result, facts) {
      const bytes = staged.get(result) ?? Buffer.alloc(0)
      const info = { ...facts, key, size: bytes.length, modified: Date.now() }
      objects(bucket)?.set(key, { info, bytes })
      return info
    },
    remove: (bucket, key) => void objects(bucket)?.delete(key),
    close: () => buckets.clear(),
  }
}

function stageBytes(finished: (staged: StagedBytes) => Staged): Staging {
  let chunks: Uint8Array[] = []
  return {
    async write(bytes) {
      chunks.push(bytes)
    },
    async finish() {
      const bytes = Buffer.concat(chunks)
      chunks = []
      return finished({
        bytes,
        size: bytes.length,
        read: () => pieces(bytes, 0, bytes.length),
        discard: async () => {},
      })
    },
    async discard() {
      chunks = []
    },
  }
}

async function* pieces(bytes: Buffer, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += PIECE) yield bytes.subarray(at, Math.min(end, at + PIECE))
}
