import type { Slice } from '../cloud/slice.js'

/** What the conformance suite applies to slices in worker threads. */
export default (slice: Slice): Promise<Uint8Array> => slice.bytes()
