import { DataplugError } from '../errors.js'
import { type AnyFormat, definedFormats } from './format.js'

// Built-in formats load when they are named, or an object is named as theirs are. One line each, with the format's
// extensions (those of compressed objects left out); a plugin needs none.
const builtIn: Readonly<Record<string, readonly [load: () => Promise<unknown>, extensions: string]>> = {
  text: [() => import('./text.js'), '.txt .text .log .md'],
  fasta: [() => import('./fasta.js'), '.fasta .fa .fna .ffn .faa .frn .fas'],
  csv: [() => import('./csv.js'), '.csv .tsv .tab .psv'],
  fastq: [() => import('./fastq.js'), '.fastq .fq'],
  'gzip-text': [() => import('./gzip-text.js'), ''],
  jsonl: [() => import('./jsonl.js'), '.jsonl .ndjson .jsonlines .ldjson'],
  parquet: [() => import('./parquet.js'), '.parquet .pq .geoparquet'],
  vcf: [() => import('./vcf.js'), '.vcf'],
  bam: [() => import('./bam.js'), '.bam'],
}

/** Names of the formats that are known or can be loaded, sorted. */
export function formatNames(): string[] {
  return [...new Set([...Object.keys(builtIn), ...definedFormats().map(({ name }) => name)])].sort()
}

/** @throws UNKNOWN_FORMAT when no format of that name is built in or was defined by an imported module */
export async function findFormat(name: string): Promise<AnyFormat> {
  if (Object.hasOwn(builtIn, name)) await builtIn[name]?.[0]()
  const format = definedFormats().find((candidate) => candidate.name === name)
  if (format) return format
  throw new DataplugError(
    'UNKNOWN_FORMAT',
    `no format "${name}" is known here; known are ${formatNames().join(', ')}. ` +
      'If a plugin defines it, import that plugin first (command line: --plugin MODULE)',
  )
}

/**
 * The format of an object by its name's ending, what says that it is compressed left out, else by the first bytes
 * of its content.
 *
 * @param head reads up to 4096 bytes from the start of the object's content; only called when the name tells nothing
 * @throws UNKNOWN_FORMAT when neither tells
 */
export async function detectFormat(uri: string, head: () => Promise<Uint8Array>): Promise<AnyFormat> {
  const path = uri.replace(/[?#].*$/, '').toLowerCase()
  const withoutGzip = path.replace(/\.(gz|bgz|bgzf)$/, '')
  const fits = (extension: string) => path.endsWith(extension) || withoutGzip.endsWith(extension)
  const plugin = definedFormats().find(({ name, extensions }) => rank(name) === 0 && extensions?.some(fits))
  if (plugin) return plugin
  const named = Object.keys(builtIn).find((name) => extensionsOf(name).some(fits))
  if (named !== undefined) return findFormat(named)
  const first = await head()
  const names = formatNames().sort((a, b) => rank(a) - rank(b))
  const formats = await Promise.all(names.map(findFormat))
  const sniffed = formats.find(({ sniff }) => sniff?.(first))
  if (sniffed) return sniffed
  throw new DataplugError(
    'UNKNOWN_FORMAT',
    `neither name nor first bytes of ${uri} tell its format; name it (command line: --format)`,
    {
      uri,
    },
  )
}

function extensionsOf(name: string): readonly string[] {
  return builtIn[name]?.[1].split(' ').filter(Boolean) ?? []
}

/** Plugins come first, since someone imported them on purpose; text, which most things look like, last. */
function rank(name: string): number {
  if (name === 'text') return 2
  return Object.hasOwn(builtIn, name) ? 1 : 0
}
