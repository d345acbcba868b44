import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { root } from './sources.js'

interface Locked {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

// A registry that lacks a platform's package makes npm leave its entry out, and `npm ci` then refuses the file.
test('the lock file has every platform’s optional packages, so that npm ci accepts it', () => {
  const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
    packages: Readonly<Record<string, Locked>>
  }
  const places = Object.keys(packages)
  const optional = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  )
  expect(optional.length).toBeGreaterThan(20)
  expect(optional.filter((name) => !places.some((place) => place.endsWith(`node_modules/${name}`)))).toEqual(
    [],
  )
})
