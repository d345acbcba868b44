// Memory map. Kernels own nothing else: TypeScript writes input at INPUT, calls, and reads OUTPUT.
//
//   0 ............ static tables of the kernels (memory.data in their own files)
//   INPUT ........ INPUT_CAPACITY bytes of input, then MARGIN bytes that a kernel may read but not trust
//   OUTPUT ....... OUTPUT_CAPACITY bytes of results, then MARGIN bytes that a kernel may overwrite
//
// `memory.data(n)` with a size reserves zeroed space and adds nothing to the binary.

export const MARGIN: i32 = 1024
export const INPUT_CAPACITY: i32 = 1 << 20
export const OUTPUT_CAPACITY: i32 = 1 << 20

export const INPUT: usize = memory.data(INPUT_CAPACITY + MARGIN, 64)
export const OUTPUT: usize = memory.data(OUTPUT_CAPACITY + MARGIN, 64)
