import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Import {
  readonly specifier: string
  /** `type`: gone after compilation. `dynamic`: `import()`, or `new URL(…, import.meta.url)`. */
  readonly kind: 'static' | 'type' | 'dynamic'
}

const patterns: readonly [RegExp, (match: RegExpMatchArray) => Import['kind']][] = [
  // Names, braces and commas only: a match cannot run on into other code.
  [
    /^(?:import|export)(\s+type\b)?[\s\w{},*$]*?\sfrom\s+'([^']+)'/gm,
    ([, type]) => (type ? 'type' : 'static'),
  ],
  [/^import()\s+'([^']+)'/gm, () => 'static'],
  [/\btypeof\s+import()\('([^']+)'\)/g, () => 'type'],
  [/(?<!\btypeof\s+)\bimport()\(\s*(?:\/\*.*?\*\/\s*)*'([^']+)'\s*\)/g, () => 'dynamic'],
  [/\bnew URL()\('(\.[^']+)', import\.meta\.url\)/g, () => 'dynamic'],
]

/** What a TypeScript module refers to, as this repository writes it. */
export function importsOf(code: string): Import[] {
  const withoutComments = code.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  return patterns.flatMap(([pattern, kind]) =>
    [...withoutComments.matchAll(pattern)].map((match) => ({
      specifier: match[2] as string,
      kind: kind(match),
    })),
  )
}

export interface SourceImport extends Import {
  readonly from: string
  /** Path below `src`, when it is one of its files. */
  readonly to: string | undefined
}

/** Paths below `src`, with `/`. Includes what the build generates. */
export function sourceFiles(): string[] {
  return readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') || path.endsWith('.cjs'))
    .sort()
}

/** All imports between the files of `src`, and out of it. */
export function sourceImports(): SourceImport[] {
  return sourceFiles().flatMap((from) =>
    importsOf(readFileSync(`${root}src/${from}`, 'utf8')).map((found) => ({
      ...found,
      from,
      to: found.specifier.startsWith('.')
        ? posix.join(posix.dirname(from), found.specifier).replace(/\.js$/, '.ts')
        : undefined,
    })),
  )
}
