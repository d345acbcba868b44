import { existsSync, readFileSync } from 'node:fs'
import { root } from './sources.js'

type Conditions = { readonly [condition: string]: Conditions | string }

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly exports: Conditions
  readonly bin: Readonly<Record<string, string>>
  readonly main: string
  readonly types: string
}

export interface Target {
  /** As written in an import, such as `dataplug/wasm`. */
  readonly name: string
  /** Conditions on the way, outermost first. */
  readonly conditions: readonly string[]
  /** Relative to the repository. */
  readonly path: string
}

function walk(name: string, value: Conditions | string, conditions: readonly string[]): Target[] {
  if (typeof value === 'string') return [{ name, conditions, path: value.replace(/^\.\//, '') }]
  return Object.entries(value).flatMap(([condition, inner]) => walk(name, inner, [...conditions, condition]))
}

/** Every target of the exports map. */
export const targets: readonly Target[] = Object.entries(manifest.exports).flatMap(([name, value]) =>
  walk(`dataplug${name.slice(1)}`, value, []),
)

/** What package.json names besides. */
export const otherTargets: readonly string[] = [manifest.main, manifest.types, ...Object.values(manifest.bin)]

/** The JavaScript behind each name, as Node and as a bundler for browsers resolve it. */
export function modules(host: 'node' | 'browser'): { readonly name: string; readonly path: string }[] {
  const hostOf = ({ conditions }: Target) => conditions.includes('browser')
  return targets.filter(
    (target) =>
      /\.m?js$/.test(target.path) &&
      (host === 'node'
        ? !hostOf(target)
        : hostOf(target) || !targets.some((other) => other.name === target.name && hostOf(other))),
  )
}

/** Absolute path of a built file. */
export function built(path: string): string {
  if (!existsSync(root + path)) throw new Error(`${path} is missing: run npm run build first`)
  return root + path
}
