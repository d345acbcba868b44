import { checkedLength, FIXED } from './record.js'

/** Bytes of content for each of which the index has one record at most. */
export const STRIDE = 256 << 10

/** As many records as may have been taken for one inside another, before the walk comes upon true ones. */
const STARTS = 1024

/** What a walk from record to record found. */
export interface WalkFacts {
  /** Records whose fixed fields were seen. */
  readonly records: number
  /** Where the first of them start, `STARTS` at most. */
  readonly starts: readonly number[]
  /** Where the next record starts, or the content ends. */
  readonly next: number
  /** The bytes at `next` that were seen, fewer than the fixed fields. */
  readonly open: Uint8Array
  /** Where a record starts that is none; nothing is known of what follows. */
  readonly fault: number | undefined
  /** The first record of each stride that has one: its offset, and how many records come before it. */
  readonly entries: readonly (readonly [offset: number, before: number])[]
}

/** Follows the lengths of records through bytes that come piece by piece. All offsets are those of the content. */
export class RecordWalk implements WalkFacts {
  readonly entries: [number, number][] = []
  readonly starts: number[] = []
  records = 0
  next: number
  fault: number | undefined
  readonly #open = new Uint8Array(FIXED)
  #filled = 0
  #stride = -1
  readonly #most: number

  /**
   * @param start of the first record
   * @param most records to be followed: then `next` is where they end
   */
  constructor(start: number, most = Number.POSITIVE_INFINITY) {
    this.next = start
    this.#most = most
  }

  /** Whether as many records as were wanted have been followed. */
  get done(): boolean {
    return this.records >= this.#most
  }

  get open(): Uint8Array {
    return this.#open.subarray(0, this.#filled)
  }

  /** The bytes at `base`; those before `next` are passed over. */
  push(bytes: Uint8Array, base: number): void {
    const end = base + bytes.length
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    while (this.fault === undefined && this.next < end && !this.done) {
      const at = this.next - base
      let length: number | undefined
      if (this.#filled === 0 && at + FIXED <= bytes.length) {
        length = checkedLength(view, at)
      } else {
        // Bytes of it may have come before these, or again with these.
        const from = at + this.#filled
        const taken = bytes.subarray(from, from + FIXED - this.#filled)
        this.#open.set(taken, this.#filled)
        this.#filled += taken.length
        if (this.#filled < FIXED) return
        length = checkedLength(new DataView(this.#open.buffer), 0)
        this.#filled = 0
      }
      if (length === undefined) {
        this.fault = this.next
        return
      }
      this.#note(this.next, this.records)
      if (this.starts.length < STARTS) this.starts.push(this.next)
      this.records++
      this.next += length
    }
  }

  /** Goes on with what another walk found, if that came by this one's `next`. @returns whether it did */
  join(walk: WalkFacts): boolean {
    const passed = this.next === walk.next ? walk.records : walk.starts.indexOf(this.next)
    if (passed === -1) return false
    if (passed < walk.records) this.#note(this.next, this.records)
    for (const [offset, before] of walk.entries) {
      if (offset > this.next) this.#note(offset, this.records + before - passed)
    }
    this.records += walk.records - passed
    this.next = walk.next
    this.fault = walk.fault
    this.#open.set(walk.open)
    this.#filled = walk.open.length
    return true
  }

  #note(offset: number, before: number): void {
    const stride = Math.floor(offset / STRIDE)
    if (stride === this.#stride) return
    this.#stride = stride
    this.entries.push([offset, before])
  }
}
