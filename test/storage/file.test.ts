import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileStore } from '../../src/storage/file.js'
import { fileError } from '../../src/storage/file-errors.js'
import { collect, readBytes } from '../../src/storage/store.js'
import { fileUri } from '../../src/storage/uri.js'
import { all, pattern, rejection } from './http-fake.js'

const MIB = 1 << 20
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataplug-file-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function make(name: string, bytes: Uint8Array | string = pattern(100)): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, bytes)
  return path
}

async function code(call: Promise<unknown>): Promise<unknown> {
  const error = await rejection(call)
  return (error as { code?: unknown } | undefined)?.code
}

describe('names', () => {
  test('paths, relative paths and URLs are one object, told by its URL', async () => {
    const path = make('a b#1.txt')
    const uri = fileUri(path)
    for (const name of [path, relative(process.cwd(), path), uri]) {
      expect((await fileStore().head(name)).uri).toBe(uri)
    }
    expect(uri).toContain('a%20b%231.txt')
  })

  test.each(['file://host/a', 'file:///a%2Fb', 'file:///a%00b', '/a\0b', 'file:///a#b'])(
    'refuses %s',
    async (uri) => {
      expect(await code(fileStore().head(uri))).toBe('INVALID_URI')
    },
  )

  test('directories and pipes are refused, and no writer is waited for', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    mkdirSync(join(folder, 'sub'))
    for (const name of ['pipe', 'sub']) {
      expect(await code(fileStore().head(join(folder, name)))).toBe('UNSUPPORTED')
      expect(await code(readBytes(fileStore(), join(folder, name), [0, 1]))).toBe('UNSUPPORTED')
    }
    expect(await code(fileStore().head('/dev/zero'))).toBe('UNSUPPORTED')
  })

  test('a file below a file does not exist', async () => {
    expect(await code(fileStore().head(`${make('a')}/b`))).toBe('NOT_FOUND')
    expect(await code(fileStore().head(join(folder, 'x'.repeat(300))))).toBe('INVALID_URI')
  })
})

describe('root', () => {
  test('nothing outside can be read, written, removed or listed', async () => {
    const secret = make('secret')
    const root = join(folder, 'root')
    mkdirSync(root)
    symlinkSync(secret, join(root, 'link'))
    symlinkSync(folder, join(root, 'up'))
    const store = fileStore({ root })
    const outside = [
      secret,
      fileUri(secret),
      join(root, '..', 'secret'),
      `file://${root}/%2e%2e/secret`,
      '../secret',
      '/etc/passwd',
      join(root, 'link'),
      join(root, 'up/secret'),
    ]
    for (const uri of outside) {
      expect(await code(store.head(uri))).toBe('INVALID_URI')
      expect(await code(readBytes(store, uri, [0, 1]))).toBe('INVALID_URI')
    }
    for (const uri of [...outside.slice(0, 6), join(root, 'up/new'), join(root, 'up/new/deep')]) {
      expect(await code(store.write(uri, pattern(1)))).toBe('INVALID_URI')
      expect(await code(store.remove(uri)).then((found) => found ?? 'INVALID_URI')).toBe('INVALID_URI')
    }
    expect(existsSync(join(folder, 'new'))).toBe(false)
    expect(readFileSync(secret).length).toBe(100)
    const listed = await all(store.list(`${fileUri(root)}/`))
    expect(listed).toEqual([])
    expect(await code(all(store.list(`${fileUri(folder)}/`)))).toBe('INVALID_URI')
  })

  test('relative paths start there, names that only look like climbing are fine', async () => {
    const root = join(folder, 'root')
    const store = fileStore({ root })
    await store.write('sub/..a', pattern(5))
    expect((await store.head('sub/..a')).uri).toBe(fileUri(join(root, 'sub/..a')))
    symlinkSync(join(root, 'sub'), join(root, 'inner'))
    expect((await store.head('inner/..a')).size).toBe(5)
  })

  test('writing to a symlink replaces it', async () => {
    const secret = make('secret', 'old')
    const root = join(folder, 'root')
    mkdirSync(root)
    symlinkSync(secret, join(root, 'link'))
    await fileStore({ root }).write('link', pattern(1))
    expect(readFileSync(secret, 'utf8')).toBe('old')
    expect(readFileSync(join(root, 'link')).length).toBe(1)
  })
})

describe('a file that changes while it is read', () => {
  const length = 5 * MIB
  const changes: Record<string, (path: string) => void> = {
    'is cut short': (path) => truncateSync(path, 3 * MIB + 17),
    'is emptied': (path) => truncateSync(path, 0),
    grows: (path) => appendFileSync(path, 'x'),
    'is written in place': (path) => writeFileSync(path, pattern(length, 9)),
  }
  for (const [name, change] of Object.entries(changes)) {
    for (const scratch of [undefined, new Uint8Array(4 * MIB), new Uint8Array(MIB)]) {
      for (const blocking of [false, true]) {
        const how = `${scratch ? `${scratch.length} bytes of scratch` : 'no scratch'}${blocking ? ', blocking' : ''}`
        test(`${name} (${how})`, async () => {
          const path = make('large', pattern(length))
          const reading = fileStore({ blocking }).read(path, [0, length], { scratch })
          const run = async () => {
            let seen = 0
            for await (const chunk of reading) {
              if (seen === 0) change(path)
              seen += chunk.length
            }
            return seen
          }
          expect(await code(run())).toBe('OBJECT_CHANGED')
        })
      }
    }
  }

  test('a file replaced by another is read to its end, since it is still there', async () => {
    const path = make('large', pattern(length))
    const store = fileStore()
    let told = ''
    const chunks: Uint8Array[] = []
    for await (const chunk of store.read(path, [0, length], { onInfo: (info) => (told = info.etag) })) {
      if (chunks.length === 0) await store.write(path, pattern(10))
      chunks.push(chunk)
    }
    expect(Buffer.concat(chunks).equals(pattern(length))).toBe(true)
    expect(await code(readBytes(store, path, [0, 5], { ifMatch: told }))).toBe('OBJECT_CHANGED')
  })
})

test.each([true, false])('reads are the same whether they block or not (%s)', async (blocking) => {
  const path = make('large', pattern(5 * MIB))
  const store = fileStore({ blocking })
  for (const scratch of [undefined, new Uint8Array(2 * MIB), new Uint8Array(1000)]) {
    const pieces: Uint8Array[] = []
    for await (const piece of store.read(path, [3, 4 * MIB + 1], { scratch })) pieces.push(piece.slice())
    expect(Buffer.concat(pieces).equals(pattern(5 * MIB).subarray(3, 4 * MIB + 1))).toBe(true)
  }
})

describe('scratch', () => {
  test('is filled again and again, two pieces in turn when it has room', async () => {
    const path = make('large', pattern(5 * MIB))
    for (const [length, size] of [
      [MIB, MIB],
      [1000, 1000],
      [MIB + 5, MIB],
      [4 * MIB, MIB],
    ] as const) {
      const scratch = new Uint8Array(length)
      for await (const chunk of fileStore().read(path, [0, 3 * MIB], { scratch })) {
        expect(chunk.buffer).toBe(scratch.buffer)
        expect(chunk.length).toBeLessThanOrEqual(size)
      }
    }
  })

  test('pieces without scratch are the consumer’s to keep', async () => {
    const bytes = pattern(4 * MIB + 3)
    const chunks = await all(fileStore().read(make('large', bytes), [1, bytes.length]))
    expect(Buffer.concat(chunks).equals(bytes.subarray(1))).toBe(true)
  })
})

describe('writing', () => {
  test('leaves nothing behind but the file', async () => {
    await fileStore().write(join(folder, 'new/a.txt'), pattern(10))
    expect(readdirSync(join(folder, 'new'))).toEqual(['a.txt'])
  })

  test('an abort leaves the old file', async () => {
    const path = make('a', 'old')
    const controller = new AbortController()
    const writing = fileStore().write(path, pattern(50 * MIB), { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('stop')), 1)
    expect(await rejection(writing)).toEqual(new Error('stop'))
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  test('a folder in the way is an error', async () => {
    mkdirSync(join(folder, 'a/b'), { recursive: true })
    expect(await code(fileStore().write(join(folder, 'a'), pattern(1)))).toBe('UNSUPPORTED')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  test.skipIf(process.getuid?.() === 0)('a folder without permission names the way out', async () => {
    chmodSync(folder, 0o555)
    const error = await rejection(fileStore().write(join(folder, 'a'), pattern(1)))
    chmodSync(folder, 0o755)
    expect(error).toMatchObject({ code: 'STORE_READ_ONLY', message: expect.stringContaining('`metadata`') })
  })

  test('folders of unfinished work go with their last file, others stay', async () => {
    const store = fileStore()
    const plan = 'x.dataplug.parts/0a1b2c3d-45000-10000-scan'
    const others = [
      'mine/1',
      'photos.parts/rome/1',
      'y.parts/0a1b2c3d',
      '.parts/0a1b2c3d-1-1/1',
      'z.dataplug/1',
    ]
    for (const path of [`${plan}/1`, `${plan}/2`, ...others])
      await store.write(join(folder, path), pattern(1))
    await store.remove(join(folder, `${plan}/1`))
    expect(readdirSync(join(folder, plan))).toEqual(['2'])
    // What a killed process had begun to write.
    make(`${plan}/.dataplug-01234567-89ab-cdef-0123-456789abcdef.tmp`)
    await store.remove(join(folder, `${plan}/2`))
    for (const path of others) await store.remove(join(folder, path))
    expect(readdirSync(folder).sort()).toEqual(['.parts', 'mine', 'photos.parts', 'y.parts', 'z.dataplug'])
    expect(readdirSync(join(folder, 'photos.parts'))).toEqual(['rome'])
  })

  test('writing and removing in one folder at once loses nothing', async () => {
    const store = fileStore()
    const uri = (i: number) => join(folder, `x.parts/0a1b2c3d-1-1/${i}`)
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await store.write(uri(i), pattern(10))
        await store.remove(uri(i))
      }),
    )
    expect(readdirSync(folder)).toEqual([])
  })
})

test('half-written files, folders and pipes are not listed', async () => {
  make('d/a')
  make('d/.dataplug-01234567-89ab-cdef-0123-456789abcdef.tmp')
  execFileSync('mkfifo', [join(folder, 'd/pipe')])
  symlinkSync(folder, join(folder, 'd/circle'))
  const listed = await all(fileStore().list(join(folder, 'd/')))
  expect(listed.map(({ uri }) => uri)).toEqual([fileUri(join(folder, 'd/a'))])
})

test('an early end closes the file', async () => {
  const path = make('large', pattern(4 * MIB))
  const before = readdirSync('/proc/self/fd').length
  for (let i = 0; i < 50; i++) {
    for await (const _ of fileStore().read(path, [0, 4 * MIB])) break
  }
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 1)
})

test.each([
  ['ENOSPC', 'write', 'STORE_FULL'],
  ['EDQUOT', 'write', 'STORE_FULL'],
  ['EROFS', 'write', 'STORE_READ_ONLY'],
  ['EACCES', 'write', 'STORE_READ_ONLY'],
  ['EACCES', 'read', 'ACCESS_DENIED'],
  ['ENOENT', 'read', 'NOT_FOUND'],
  ['EMFILE', 'read', 'THROTTLED'],
  ['EIO', 'read', 'NETWORK'],
] as const)('%s on %s is %s', (errno, operation, expected) => {
  const error = fileError(Object.assign(new Error('x'), { code: errno }), 'file:///a', operation)
  expect(error).toMatchObject({ code: expected, uri: 'file:///a' })
})

test('other errors stay what they are', () => {
  const reason = new DOMException('gone', 'AbortError')
  expect(fileError(reason, 'file:///a', 'read')).toBe(reason)
})

test('a stream is of known length', async () => {
  const path = make('a', pattern(10))
  expect(await collect(fileStore().read(path, [2, 7]), 5)).toEqual(pattern(10).subarray(2, 7))
})
