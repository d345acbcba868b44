import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { CloudObject } from '../../src/cloud/cloud-object.js'
import { UTF8Text } from '../../src/formats/text.js'
import { openStorage } from '../../src/storage/index.js'

const OUTPUT_LIMIT = 1 << 30

/** What a program writes to standard output. */
export async function output(program: string, ...args: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(program, args, {
    encoding: 'buffer',
    maxBuffer: OUTPUT_LIMIT,
  })
  return stdout
}

/** A folder of its own for each test file. */
export function workFolder(): (name: string) => string {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dataplug-tools-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return (name) => join(folder, name)
}

export function openText(path: string) {
  return CloudObject.open(UTF8Text, path, { store: openStorage() })
}

/** About `size` bytes of FASTQ with names, bases and qualities as a sequencer writes them. */
export function makeFastq(size: number): Buffer {
  let state = 12345
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return ((state >>> 8) * below) >>> 24
  }
  const records: string[] = []
  for (let length = 0, i = 0; length < size; i++) {
    let bases = ''
    let qualities = ''
    let quality = 38
    for (let k = 0; k < 150; k++) {
      bases += 'ACGT'[next(4)]
      if (next(8) === 0) quality = Math.max(2, Math.min(40, quality + next(9) - 4))
      qualities += String.fromCharCode(33 + quality)
    }
    const name = `@A00123:45:HXXXXXX:1:${1101 + (i >> 12)}:${next(30000)}:${1000 + i} 1:N:0:ATCACG`
    const record = `${name}\n${bases}\n+\n${qualities}\n`
    records.push(record)
    length += record.length
  }
  return Buffer.from(records.join(''))
}
