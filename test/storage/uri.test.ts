import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  basename,
  canonicalUri,
  childUri,
  compareUtf8,
  displayUri,
  fileUri,
  indexUri,
  parseS3Uri,
  scheme,
  siblingUri,
} from '../../src/storage/uri.js'

const invalid = expect.objectContaining({ code: 'INVALID_URI' })

describe('scheme', () => {
  test.each([
    ['s3://b/k', 's3'],
    ['HTTPS://host/', 'https'],
    ['memory:x', 'memory'],
    ['/a:b', undefined],
    ['./s3://b', undefined],
    ['C:\\data', undefined],
    ['', undefined],
  ])('%s', (uri, expected) => expect(scheme(uri)).toBe(expected))
})

describe('parseS3Uri', () => {
  test.each([
    ['s3://bucket/key', 'bucket', 'key'],
    ['s3://bucket/a b/ü#x?y=1%20', 'bucket', 'a b/ü#x?y=1%20'],
    ['s3://bucket//double//', 'bucket', '/double//'],
    ['s3://bucket/line\nbreak', 'bucket', 'line\nbreak'],
  ])('%s', (uri, bucket, key) => expect(parseS3Uri(uri)).toEqual({ bucket, key }))

  test.each(['s3://bucket', 's3://bucket/', 's3:///key', 's3:bucket/key', 'https://bucket/key'])(
    'refuses %s',
    (uri) => expect(() => parseS3Uri(uri)).toThrow(invalid),
  )
})

describe('canonicalUri', () => {
  // How much Node itself encodes differs from version to version.
  test('makes URLs of paths that Node takes back', () => {
    const segment = fc
      .string({ unit: 'grapheme' })
      .filter((name) => !/[/\0]/.test(name) && name !== '' && !/^\.\.?$/.test(name))
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const path = `/${segments.join('/')}`
        expect(fileURLToPath(canonicalUri(path))).toBe(path)
      }),
    )
  })

  test.each([
    ['/a//b/../c', 'file:///a/c'],
    ['/dir/', 'file:///dir/'],
    ['/a /b ', 'file:///a%20/b%20'],
    ['file:/a b', 'file:///a%20b'],
    ['S3://Bucket/Key', 's3://Bucket/Key'],
    ['https://host/a?sig=1#part', 'https://host/a?sig=1'],
    ['memory:a b', 'memory:a b'],
  ])('%s', (uri, expected) => expect(canonicalUri(uri)).toBe(expected))

  test('starts relative paths from the working directory', () => {
    expect(canonicalUri('a/b c')).toBe(pathToFileURL('a/b c').href)
    expect(fileUri('x', '/base')).toBe('file:///base/x')
  })

  test.each(['', 'file:///a#b', 'file:///a?b', 'file:a', 'http://', 's3://'])('refuses "%s"', (uri) =>
    expect(() => canonicalUri(uri)).toThrow(invalid),
  )
})

describe('basename', () => {
  test.each([
    ['s3://b/x/y.txt', 'y.txt'],
    ['s3://b/x/y/', 'y'],
    ['s3://b/a%20b', 'a%20b'],
    ['https://h/x/a%20b?q=/z', 'a b'],
    ['https://h/%zz', '%zz'],
    ['file:///d/%C3%BC.txt', 'ü.txt'],
    ['memory:n', 'n'],
    ['blob:n.txt', 'n.txt'],
    ['/d/n', 'n'],
  ])('%s', (uri, expected) => expect(basename(uri)).toBe(expected))
})

describe('siblingUri', () => {
  test.each([
    ['s3://b/x/y.txt', 'z w', 's3://b/x/z w'],
    ['s3://b/y', 'z', 's3://b/z'],
    ['s3://b/x/y/', 'z', 's3://b/x/z'],
    ['https://h/x/y?sig=1', 'ü#', 'https://h/x/%C3%BC%23'],
    ['https://h', 'z', 'https://h/z'],
    ['file:///d/y', 'a b', 'file:///d/a%20b'],
    ['memory:y', 'z', 'memory:z'],
    ['blob:y.imzML', 'y.ibd', 'blob:y.ibd'],
    ['/d/y', 'z', '/d/z'],
    ['y', 'z', 'z'],
  ])('%s, %s', (uri, name, expected) => expect(siblingUri(uri, name)).toBe(expected))

  test.each(['', '.', '..', 'a/b', '../a'])('refuses "%s"', (name) =>
    expect(() => siblingUri('s3://b/k', name)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' })),
  )
})

describe('childUri', () => {
  test.each([
    ['s3://b/x', 'y/z 1', 's3://b/x/y/z 1'],
    ['s3://b/x/', 'y', 's3://b/x/y'],
    ['memory:', 'y', 'memory:y'],
    ['https://h/x?q', 'a b', 'https://h/x/a%20b'],
  ])('%s, %s', (uri, path, expected) => expect(childUri(uri, path)).toBe(expected))

  test('does not climb', () => expect(() => childUri('file:///a', 'b/../../c')).toThrow(invalid))
})

describe('indexUri', () => {
  test.each([
    ['s3://b/k.txt', 's3://b/k.txt.dataplug'],
    ['s3://b/dir/', 's3://b/dir.dataplug'],
    ['s3://b', 's3://b/.dataplug'],
    ['https://h/k.txt?X-Amz-Signature=1', 'https://h/k.txt.dataplug'],
    ['https://h/', 'https://h/.dataplug'],
    ['file:///d/k%20.txt', 'file:///d/k%20.txt.dataplug'],
    ['/d/k .txt', 'file:///d/k%20.txt.dataplug'],
    ['memory:k', 'memory:k.dataplug'],
  ])('beside %s', (uri, expected) => expect(indexUri(uri)).toBe(expected))

  test.each([
    ['s3://b/a/k.txt', 's3://i/', 's3://i/b/a/k.txt.dataplug'],
    ['https://host:8080/a%20b?sig', 's3://i/x/', 's3://i/x/host_8080/a b.dataplug'],
    ['s3://b/a b', '/tmp/idx/', 'file:///tmp/idx/b/a%20b.dataplug'],
    ['/d/k', 's3://i/', 's3://i/d/k.dataplug'],
    ['memory:k', 'memory:idx/', 'memory:idx/k.dataplug'],
    ['blob:k', 's3://i/', 's3://i/k.dataplug'],
    ['s3://b/k', 's3://i/the-index', 's3://i/the-index'],
    ['s3://b/k', '/tmp/the-index', 'file:///tmp/the-index'],
  ])('%s in %s', (uri, metadata, expected) => expect(indexUri(uri, metadata)).toBe(expected))

  test('keys that climb cannot have one in a folder of files', () =>
    expect(() => indexUri('s3://b/../../etc/x', '/tmp/idx/')).toThrow(invalid))
})

test('displayUri hides signatures and passwords', () => {
  expect(displayUri('https://user:pw@h/a?X-Amz-Signature=secret#f')).toBe('https://h/a')
  expect(displayUri('s3://b/a?b')).toBe('s3://b/a?b')
})

test('compareUtf8 is the order of the bytes', () => {
  const sign = Math.sign
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(sign(compareUtf8(a, b))).toBe(sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }),
  )
  expect(compareUtf8('\u{10000}', '\uffff')).toBeGreaterThan(0)
})
