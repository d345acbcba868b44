import { describe, expect, it } from 'vitest'
import { release } from '../src/bytes.js'

describe('an array that is released', () => {
  it('is empty, and so are all views of its buffer; again does nothing', () => {
    const bytes = new Uint8Array(100_000).fill(7)
    const view = bytes.subarray(10, 20)
    release(bytes)
    expect([bytes.length, view.length]).toEqual([0, 0])
    release(bytes)
    release(new Uint8Array(0))
  })

  it('stays as it is where it is a part of a buffer, which others may use', () => {
    const buffer = new Uint8Array(100).fill(7)
    release(buffer.subarray(0, 50))
    expect(buffer).toEqual(new Uint8Array(100).fill(7))
  })
})
