import type { CoreMemory } from './memory.js'
import { FIRST_WINDOW, WINDOW } from './windows.js'

/** How delimited text is read: bytes, null for what the dialect lacks. */
export interface RowDialect {
  /** 10 (then a carriage return before it belongs to the line end) or 13. */
  readonly newline: number
  readonly separator: number
  readonly quote: number | null
  /** Within quotes: the byte after it means itself. Null when quotes are only doubled. */
  readonly escape: number | null
  /** At the start of a row: the line is none. */
  readonly comment: number | null
}

/** States between two bytes; the numbers stand in indexes and slices. `assembly/records.ts` says what each is. */
export const PLAIN = 0
export const QUOTED = 1
export const ROW_START = 2
export const FIELD_START = 3
export const CLOSED = 4
export const ESCAPED = 5
export const IN_COMMENT = 6
export const CR_START = 7

/** The states that bytes of a dialect can lead to. */
export function possibleStates({ newline, quote, comment, ...dialect }: RowDialect): number[] {
  const states = [PLAIN, ROW_START, FIELD_START]
  if (quote !== null) states.push(QUOTED, CLOSED)
  if (quote !== null && dialect.escape !== null) states.push(ESCAPED)
  if (comment !== null) states.push(IN_COMMENT)
  if (newline === LF) states.push(CR_START)
  return states
}

const LF = 10

/** Rows of a stretch that was read from one state. Offsets are those that the caller counts in. */
export interface RowLane {
  state: number
  /** Separators so far in the row that is open. */
  open: number
  /** Whether that row may have begun before the stretch: then its end is noted in `head`, not checked. */
  partial: boolean
  /** Row ends: newlines outside quotes that end neither a blank line nor a comment. */
  rows: number
  /** Separators before the first row end of a stretch that began inside a row. */
  head: number
  /** Just after the last row end; -1 when there is none. */
  lastEnd: number
  /** Rows with another number of separators than expected; of the first: row ends before it in the stretch, start, separators. */
  ragged: number
  raggedRow: number
  raggedAt: number
  raggedHas: number
  /** Newlines that end blank lines and comments. */
  skipped: number
  /** Whether the bytes scanned last held a quote or an escape. */
  seen: boolean
}

/** For each block that the bytes touch, its row ends, and the simplest state before its first byte in them. Views. */
export type BlockSink = (counts: Uint16Array, states: Uint16Array, offset: number) => void

export interface RowScanner {
  /** A stretch that begins at `offset` in `state`: at the start of a row, or anywhere. */
  lane(state: number, partial: boolean): RowLane
  /**
   * Takes in the next bytes of a stretch, which lie at `offset`. `sink` is called for each run of blocks of 512 bytes,
   * aligned to offset 0; the first and the last block of a call may be partial.
   */
  scan(lane: RowLane, bytes: Uint8Array, offset: number, sink?: BlockSink): void
  /** The simplest state from which what begins with `byte` is read alike. */
  simplest(state: number, byte: number): number
  /** Offset in `bytes` just after the last row end that `search` looks for; -1 when it has to go on with the next bytes. */
  find(search: RowSearch, bytes: Uint8Array): number
  /** Row ends in `bytes`, read from `lane.state`, which moves on. */
  countRows(lane: { state: number }, bytes: Uint8Array): number
}

/** A search through a stream that arrives in pieces: how many row ends it has yet to meet, and its state. */
export interface RowSearch {
  state: number
  left: number
}

export interface RowFunctions {
  /** @param separators in each row; undefined for any number */
  rowScanner(dialect: RowDialect, separators?: number): RowScanner
}

const BLOCK = 512
const NONE = 0xffffffff
// Where the parameters lie, in words; as assembly/records.ts says.
const [STATE, OPEN, PARTIAL, ROWS, HEAD, LAST_END] = [6, 7, 8, 9, 10, 11] as const
const [RAGGED, RAGGED_ROW, RAGGED_AT, RAGGED_HAS, SEEN, SKIPPED] = [12, 13, 14, 15, 16, 17] as const
const WORDS = 18
/** Halfwords from the counts of blocks to their states. */
const STATES_AT = 1 << 18

export function rowFunctions({ kernels, stage, bytes: memory, output16 }: CoreMemory): RowFunctions {
  const words = new Uint32Array(memory.buffer, kernels.csvState(), WORDS)
  const word = (i: number) => words[i] as number

  function rowScanner(dialect: RowDialect, separators?: number): RowScanner {
    const { newline, separator, quote, comment } = dialect
    const parameters = Uint32Array.of(
      newline,
      separator,
      quote ?? NONE,
      dialect.escape ?? NONE,
      comment ?? NONE,
      separators ?? NONE,
    )

    function scanWindow(lane: RowLane, p: number, n: number, offset: number, sink?: BlockSink): void {
      words.set(parameters)
      words[STATE] = lane.state
      words[OPEN] = lane.open
      words[PARTIAL] = Number(lane.partial)
      const blocks = kernels.csvScan(p, n, BLOCK - (offset % BLOCK))
      if (lane.partial && word(PARTIAL) === 0) lane.head = word(HEAD)
      if (word(RAGGED) > 0) {
        if (lane.ragged === 0) {
          lane.raggedRow = lane.rows + word(RAGGED_ROW)
          lane.raggedAt = word(RAGGED_AT) === NONE ? lane.lastEnd : offset + word(RAGGED_AT)
          lane.raggedHas = word(RAGGED_HAS)
        }
        lane.ragged += word(RAGGED)
      }
      if (word(ROWS) > 0) lane.lastEnd = offset + word(LAST_END)
      lane.state = word(STATE)
      lane.open = word(OPEN)
      lane.partial = word(PARTIAL) === 1
      lane.rows += word(ROWS)
      lane.skipped += word(SKIPPED)
      lane.seen ||= word(SEEN) === 1
      sink?.(output16.subarray(0, blocks), output16.subarray(STATES_AT, STATES_AT + blocks), offset)
    }

    return {
      lane: (state, partial) => ({
        state,
        open: 0,
        partial,
        rows: 0,
        head: 0,
        lastEnd: -1,
        ragged: 0,
        raggedRow: 0,
        raggedAt: 0,
        raggedHas: 0,
        skipped: 0,
        seen: false,
      }),
      scan(lane, bytes, offset, sink) {
        lane.seen = false
        for (let start = 0; start < bytes.length; ) {
          // Windows end with a block, so that no count comes in two parts but where `bytes` end.
          const end = Math.min(start + WINDOW - ((offset + start) % BLOCK), bytes.length)
          scanWindow(lane, stage(bytes, start, end), end - start, offset + start, sink)
          start = end
        }
      },
      simplest(state, byte) {
        words.set(parameters)
        return kernels.csvSimplest(state, byte)
      },
      find(search, bytes) {
        // Counted window by window first: looking byte by byte costs a multiple.
        for (let start = 0; start < bytes.length; ) {
          const end = Math.min(start + FIRST_WINDOW, bytes.length)
          const before = search.state
          const rows = countRows(search, bytes.subarray(start, end))
          if (rows >= search.left) {
            words.set(parameters)
            words[STATE] = before
            const at = kernels.csvNth(stage(bytes, start, end), end - start, search.left)
            search.left = 0
            return start + at
          }
          search.left -= rows
          start = end
        }
        return -1
      },
      countRows,
    }

    function countRows(lane: { state: number }, bytes: Uint8Array): number {
      let rows = 0
      for (let start = 0; start < bytes.length; ) {
        const end = Math.min(start + WINDOW, bytes.length)
        words.set(parameters)
        words[STATE] = lane.state
        words[OPEN] = 0
        words[PARTIAL] = 0
        kernels.csvScan(stage(bytes, start, end), end - start, BLOCK)
        lane.state = word(STATE)
        rows += word(ROWS)
        start = end
      }
      return rows
    }
  }

  return { rowScanner }
}
