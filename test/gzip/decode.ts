import { type GunzipOptions, gunzipWith } from '../../src/core/gunzip.js'
import { createMemory } from '../../src/core/memory.js'
import { coreModule } from '../../src/core/module.js'
import { concat } from './encoder.js'

const memory = createMemory(await coreModule())

/** Decodes with our decoder; the input is pushed in pieces of `step` bytes. */
export function gunzip(
  bytes: Uint8Array,
  step = bytes.length,
  options: GunzipOptions = {},
): Uint8Array<ArrayBuffer> {
  const decoder = gunzipWith(memory, options)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += step) {
    for (const piece of decoder.push(bytes.subarray(at, at + step))) pieces.push(piece.slice())
  }
  decoder.finish()
  return concat(pieces)
}

/** The result, or undefined when the decoder reports malformed data. Any other error is thrown on. */
export function tryGunzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  try {
    return gunzip(bytes)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MALFORMED_DATA') return undefined
    throw error
  }
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
