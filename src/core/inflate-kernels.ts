/** The exports of `core.wasm` for inflate, as `assembly/inflate.ts` and `block-finder.ts` declare them. */
export interface InflateKernels {
  inflateReset(unknown: number): void
  inflateWindow(length: number): void
  inflateMember(): void
  inflateInput(start: number, end: number): void
  inflateSkip(bits: number): number
  inflateRun(maxOutput: number, minOutput: number, stopBit: number): number
  inflateWatch(): void
  inflateTouched(): number
  inflatePiece(): number
  inflateOut(): number
  inflateHistory(): number
  inflateBit(): number
  inflateBlockBit(): number
  inflateFindable(): number
  /** Block headers read since the last inflateReset. */
  inflateBlocks(): number
  markersReset(): void
  markersAdd(p: number, n: number): number
  markersCrc(): number
  markersNextMember(): void
  markersTakeCounts(): number
  markersFactors(last: number): number
  findBlock(start: number, stop: number, length: number): number
}

export const inflateNames: readonly (keyof InflateKernels)[] = [
  'inflateReset',
  'inflateWindow',
  'inflateMember',
  'inflateInput',
  'inflateSkip',
  'inflateRun',
  'inflateWatch',
  'inflateTouched',
  'inflatePiece',
  'inflateOut',
  'inflateHistory',
  'inflateBit',
  'inflateBlockBit',
  'inflateFindable',
  'inflateBlocks',
  'markersReset',
  'markersAdd',
  'markersCrc',
  'markersNextMember',
  'markersTakeCounts',
  'markersFactors',
  'findBlock',
]
