import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isBucketName } from './bucket-name.js'
import { fileName, isHashed, keyOf } from './disk-names.js'
import { readFileRange } from './disk-read.js'
import { byUtf8, type ObjectBackend, type Staged, type Staging, type StoredObject } from './objects.js'

/**
 * `<directory>/<bucket>/<encoded key>` holds the bytes of an object, and nothing else; its other facts are in
 * `<directory>/.dataplug/meta/<bucket>/<encoded key>.json`. So a file can also be put (or linked) there by
 * hand: it gets an ETag made of its size and time. Facts that do not fit the file count as absent.
 */
export function diskBackend(directory: string): ObjectBackend {
  const root = resolve(directory)
  const own = join(root, '.dataplug')
  const temporary = join(own, 'tmp', `${process.pid}-${randomUUID()}`)
  fs.mkdirSync(temporary, { recursive: true })
  const bucketPath = (bucket: string) => join(root, bucket)
  const metaPath = (bucket: string) => join(own, 'meta', bucket)
  const paths = (bucket: string, key: string) => {
    const name = fileName(key)
    return { data: join(bucketPath(bucket), name), meta: join(metaPath(bucket), `${name}.json`) }
  }
  const stagedPaths = new WeakMap<Staged, string>()

  const backend: ObjectBackend = {
    buckets: () =>
      fs
        .readdirSync(root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && isBucketName(entry.name))
        .map(({ name }) => ({ name, created: fs.statSync(bucketPath(name)).birthtimeMs }))
        .sort((a, b) => byUtf8(a.name, b.name)),
    hasBucket: (bucket) =>
      isBucketName(bucket) &&
      fs.statSync(bucketPath(bucket), { throwIfNoEntry: false })?.isDirectory() === true,
    createBucket: (bucket) => void fs.mkdirSync(bucketPath(bucket), { recursive: true }),
    deleteBucket(bucket) {
      fs.rmdirSync(bucketPath(bucket))
      fs.rmSync(metaPath(bucket), { recursive: true, force: true })
    },
    keys: (bucket) =>
      fs
        .readdirSync(bucketPath(bucket), { withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) =>
          isHashed(name) ? readMeta(join(metaPath(bucket), `${name}.json`))?.key : keyOf(name),
        )
        .filter((key) => key !== undefined)
        .sort(byUtf8),
    stat(bucket, key) {
      const { data, meta } = paths(bucket, key)
      const stats = fs.statSync(data, { throwIfNoEntry: false })
      return stats?.isFile() ? describe(key, stats, meta) : undefined
    },
    open(bucket, key) {
      const { data, meta } = paths(bucket, key)
      const descriptor = openIfThere(data)
      if (descriptor === undefined) return undefined
      const stats = fs.fstatSync(descriptor)
      if (!stats.isFile()) {
        fs.closeSync(descriptor)
        return undefined
      }
      return {
        info: describe(key, stats, meta),
        read: (start, end) => readFileRange(descriptor, start, end),
        close: () => fs.closeSync(descriptor),
      }
    },
    stage: () =>
      stageFile(join(temporary, randomUUID()), (path, staged) => {
        stagedPaths.set(staged, path)
      }),
    publish(bucket, key, staged, facts) {
      const path = stagedPaths.get(staged)
      if (path === undefined) throw new Error('these bytes were not staged here')
      const { data, meta } = paths(bucket, key)
      const { size, mtimeMs } = fs.statSync(path)
      const info: StoredObject = { ...facts, key, size, modified: mtimeMs }
      fs.mkdirSync(metaPath(bucket), { recursive: true })
      fs.writeFileSync(`${path}.json`, JSON.stringify(info))
      fs.renameSync(`${path}.json`, meta)
      fs.renameSync(path, data)
      return info
    },
    remove(bucket, key) {
      const { data, meta } = paths(bucket, key)
      fs.rmSync(data, { force: true })
      fs.rmSync(meta, { force: true })
    },
    close: () => fs.rmSync(temporary, { recursive: true, force: true }),
  }
  return backend
}

function describe(key: string, stats: fs.Stats, metaPath: string): StoredObject {
  const meta = readMeta(metaPath)
  if (meta && meta.key === key && meta.size === stats.size && meta.modified === stats.mtimeMs) return meta
  const etag = `${Math.trunc(stats.mtimeMs * 1000).toString(16)}${stats.ino.toString(16)}-${stats.size.toString(16)}`
  return { key, size: stats.size, modified: stats.mtimeMs, etag, headers: {} }
}

function readMeta(path: string): StoredObject | undefined {
  try {
    // Written by `publish` alone.
    return JSON.parse(fs.readFileSync(path, 'utf8')) as StoredObject
  } catch {
    return undefined
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return fs.openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function stageFile(path: string, finished: (path: string, staged: Staged) => void): Staging {
  const file = open(path, 'wx')
  // Awaited by whoever writes; without this a failure before the first write would end the process.
  file.catch(() => {})
  let size = 0
  const discard = () => fs.promises.rm(path, { force: true })
  return {
    async write(bytes) {
      const handle = await file
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, size)
        done += bytesWritten
        size += bytesWritten
      }
    },
    async finish() {
      await (await file).close()
      const staged: Staged = { size, read: () => readWholeFile(path, size), discard }
      finished(path, staged)
      return staged
    },
    async discard() {
      await file.then((handle) => handle.close()).catch(() => {})
      await discard()
    },
  }
}

async function* readWholeFile(path: string, size: number): AsyncGenerator<Uint8Array> {
  const descriptor = fs.openSync(path, 'r')
  try {
    yield* readFileRange(descriptor, 0, size)
  } finally {
    fs.closeSync(descriptor)
  }
}
