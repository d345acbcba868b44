import { createHash } from 'node:crypto'
import { type Crc, crc32, crc32c, crcBase64 } from './crc32.js'
import { S3Error } from './errors.js'

/** A digest that grows with the bytes; `end()` gives it in base64. */
interface Running {
  update(bytes: Uint8Array): void
  end(): string
}

/** Bytes of a digest, to tell a malformed value from a wrong one. */
const CHECKSUMS: Readonly<Record<string, { readonly length: number; start(): Running }>> = {
  'x-amz-checksum-crc32': { length: 4, start: () => runningCrc(crc32) },
  'x-amz-checksum-crc32c': { length: 4, start: () => runningCrc(crc32c) },
  'x-amz-checksum-sha1': { length: 20, start: () => runningHash('sha1') },
  'x-amz-checksum-sha256': { length: 32, start: () => runningHash('sha256') },
}

function runningHash(algorithm: string): Running {
  const hash = createHash(algorithm)
  return { update: (bytes) => void hash.update(bytes), end: () => hash.digest('base64') }
}

function runningCrc(step: Crc): Running {
  let crc = 0
  return {
    update(bytes) {
      crc = step(bytes, crc)
    },
    end: () => crcBase64(crc),
  }
}

export interface Digests {
  /** Hex. */
  readonly md5: string
  /** Base64. */
  readonly crc32: string
}

export interface Digester {
  update(bytes: Uint8Array): void
  /**
   * Compares with everything that was promised, in the headers and in the trailer of the body.
   * @throws BadDigest, XAmzContentSHA256Mismatch, InvalidRequest for a malformed promise in the trailer.
   */
  end(trailer: ReadonlyMap<string, string>): Digests
}

/** For bytes that come from elsewhere in the store, where nobody promised anything. */
export function plainDigester(): Digester {
  return startDigester(() => undefined, 'UNSIGNED-PAYLOAD')
}

/**
 * Digests of a body, and those that its headers promise. `payload` is `x-amz-content-sha256`.
 * @throws InvalidDigest, InvalidRequest, NotImplemented for a checksum that is unknown here.
 */
export function startDigester(header: (name: string) => string | undefined, payload: string): Digester {
  const md5 = runningHash('md5')
  const crc = runningCrc(crc32)
  const announced = (header('x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase())
  const promised = new Map<string, string | undefined>()
  for (const name of [...Object.keys(CHECKSUMS), 'x-amz-checksum-crc64nvme']) {
    const value = header(name)
    if (value === undefined && !announced.includes(name)) continue
    if (!(name in CHECKSUMS)) throw new S3Error('NotImplemented', `${name} is not known to this server`)
    if (value !== undefined) checkShape(name, value)
    promised.set(name, value)
  }
  const running = new Map([...promised.keys()].map((name) => [name, CHECKSUMS[name]?.start()]))
  const wantedMd5 = header('content-md5')
  if (wantedMd5 !== undefined && !isBase64(wantedMd5, 16)) throw new S3Error('InvalidDigest')
  const sha256 = /^[0-9a-f]{64}$/.test(payload) ? createHash('sha256') : undefined

  return {
    update(bytes) {
      md5.update(bytes)
      crc.update(bytes)
      sha256?.update(bytes)
      for (const digest of running.values()) digest?.update(bytes)
    },
    end(trailer) {
      if (sha256 && sha256.digest('hex') !== payload) throw new S3Error('XAmzContentSHA256Mismatch')
      const ended = md5.end()
      if (wantedMd5 !== undefined && wantedMd5 !== ended) {
        throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
      }
      for (const [name, digest] of running) {
        const wanted = promised.get(name) ?? trailer.get(name)
        if (wanted === undefined) throw new S3Error('InvalidRequest', `The trailer ${name} is missing.`)
        checkShape(name, wanted)
        if (wanted !== digest?.end()) {
          const algorithm = name.slice('x-amz-checksum-'.length).toUpperCase()
          throw new S3Error(
            'BadDigest',
            `The ${algorithm} you specified did not match the calculated checksum.`,
          )
        }
      }
      return { md5: Buffer.from(ended, 'base64').toString('hex'), crc32: crc.end() }
    },
  }
}

function checkShape(name: string, value: string): void {
  if (!isBase64(value, CHECKSUMS[name]?.length ?? 0)) {
    throw new S3Error('InvalidRequest', `Value for ${name} header is invalid.`)
  }
}

function isBase64(value: string, length: number): boolean {
  const bytes = Buffer.from(value, 'base64')
  return bytes.length === length && bytes.toString('base64') === value
}
