import { DataplugError } from '../../errors.js'
import { isRange, type Range } from '../../range.js'
import type { Index, ReadContext, Reading } from '../format.js'
import { contentRanges, openBinningIndex } from '../shared/binning-index-file.js'
import { isRegion, parseRegion, type Region } from '../shared/region.js'
import { type RepeatedHeader, repeatHeader } from '../shared/repeated-header.js'
import type { VcfAttributes } from './attributes.js'
import { overlappingLines } from './overlap.js'

/** The records that overlap a region; they lie in `ranges` of the content, with others. */
export type RegionSlice = RepeatedHeader & { readonly region: Region; readonly ranges: readonly Range[] }

export async function planRegions(
  index: Index<VcfAttributes>,
  regions: readonly string[],
): Promise<RegionSlice[]> {
  const { regionIndex, contigs } = index.attributes
  const binning = await openBinningIndex(index, regionIndex, '.tbi or .csi')
  const names = binning.tabix?.preset === VCF_PRESET ? binning.tabix.names : undefined
  if (!names) {
    throw new DataplugError('INVALID_INDEX', `${regionIndex} beside ${index.uri} is not an index of a VCF`, {
      uri: index.uri,
    })
  }
  if (!Array.isArray(regions)) {
    throw new DataplugError('INVALID_ARGUMENT', 'regions must be an array of texts like chr1:1000-2000')
  }
  const known = new Set([...names, ...contigs.map(({ id }) => id)])
  const parsed = regions.map((text) => parseRegion(text, (name) => known.has(name)))
  const found = parsed.map(({ name, start, end }) => binning.query(names.indexOf(name), start, end))
  const ranges = await contentRanges(index, found)
  const header = await repeatHeader(await index.section('vcf-header'))
  return parsed.map((region, i) => {
    const own = ranges[i] ?? []
    return { region, ranges: own, ...header(own.length === 0) }
  })
}

const VCF_PRESET = 2

export function isRegionSlice(slice: RegionSlice, size: number): boolean {
  const { region, ranges, header } = slice
  if (header === undefined || !isRegion(region) || !Array.isArray(ranges)) return false
  return ranges.every((range: unknown) => isRange(range) && range[1] <= size)
}

/** The records, without a header. */
export function readRegion(
  { region, ranges }: RegionSlice,
  { main, core }: ReadContext,
): Pick<Reading<never>, 'bytes' | 'textOffset' | 'extent'> {
  return {
    async *bytes() {
      for (const range of ranges) {
        const isLast = yield* overlappingLines(main.read(range), region, core)
        if (isLast) return
      }
    },
    textOffset: ranges[0]?.[0] ?? main.size,
  }
}
