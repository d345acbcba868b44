import { expect, it } from 'vitest'
import { definedFormats } from '../../src/formats/format.js'
import { detectFormat, findFormat, formatNames } from '../../src/formats/registry.js'

const never = () => Promise.reject(new Error('read'))

it('loads the one format that an object is named as, and reads nothing', async () => {
  expect(definedFormats()).toEqual([])
  expect((await detectFormat('s3://b/k/A.Parquet?versionId=1', never)).name).toBe('parquet')
  expect(definedFormats().map(({ name }) => name)).toEqual(['parquet'])
})

it('knows the extensions of every format, and each is of one', async () => {
  const formats = await Promise.all(formatNames().map(findFormat))
  const extensions = formats.flatMap(({ name, extensions = [] }) =>
    extensions.map((extension): [string, string] => [extension, name]),
  )
  expect(new Map(extensions).size).toBe(extensions.length)
  expect(extensions.length).toBeGreaterThan(30)
  for (const [extension, name] of extensions) {
    const upper = extension.replace(/\.b?gz$/, '').toUpperCase()
    for (const path of [`memory:a${extension}`, `memory:A${upper}`, `memory:A${upper}.BGZ`]) {
      expect((await detectFormat(path, never)).name).toBe(name)
    }
  }
})
