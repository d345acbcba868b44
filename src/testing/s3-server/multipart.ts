import { createHash, randomUUID } from 'node:crypto'
import { type Digests, plainDigester } from './digests.js'
import { S3Error } from './errors.js'
import type { Staged, Staging } from './objects.js'
import { elements, text } from './xml.js'

const SMALLEST_PART = 5 * 1024 * 1024
const MOST_PARTS = 10_000

export interface Part {
  readonly staged: Staged
  /** MD5 in hex. */
  readonly etag: string
  readonly modified: number
}

export interface Upload {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly started: number
  /** Headers of the object to be. */
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, Part>
}

/** Uploads under way. They are forgotten when the server ends. */
export type Uploads = Map<string, Upload>

export function startUpload(
  uploads: Uploads,
  bucket: string,
  key: string,
  headers: Upload['headers'],
): Upload {
  const upload = { id: randomUUID(), bucket, key, started: Date.now(), headers, parts: new Map() }
  uploads.set(upload.id, upload)
  return upload
}

/** @throws NoSuchUpload */
export function findUpload(uploads: Uploads, id: string, bucket: string, key: string): Upload {
  const upload = uploads.get(id)
  if (!upload || upload.bucket !== bucket || upload.key !== key) throw new S3Error('NoSuchUpload')
  return upload
}

/** @throws InvalidArgument */
export function partNumber(value: string): number {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (number < 1 || number > MOST_PARTS) {
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${MOST_PARTS}, inclusive`,
    )
  }
  return number
}

export async function discardUpload(uploads: Uploads, upload: Upload): Promise<void> {
  uploads.delete(upload.id)
  for (const part of upload.parts.values()) await part.staged.discard()
}

/**
 * The parts that a CompleteMultipartUpload document names.
 * @throws MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall
 */
export function chosenParts(upload: Upload, xml: string): Part[] {
  const named = elements(xml, 'Part').map((part) => ({
    number: Number(text(part, 'PartNumber')),
    etag: (text(part, 'ETag') ?? '').replaceAll('"', ''),
  }))
  if (named.length === 0) throw new S3Error('MalformedXML')
  if (named.some(({ number }, index) => index > 0 && number <= (named[index - 1]?.number ?? 0))) {
    throw new S3Error('InvalidPartOrder')
  }
  const parts = named.map(({ number, etag }) => {
    const part = upload.parts.get(number)
    if (part?.etag !== etag) {
      throw new S3Error('InvalidPart', undefined, { details: { PartNumber: String(number), ETag: etag } })
    }
    return part
  })
  for (const [index, part] of parts.slice(0, -1).entries()) {
    if (part.staged.size < SMALLEST_PART) {
      const details = {
        ProposedSize: String(part.staged.size),
        MinSizeAllowed: String(SMALLEST_PART),
        PartNumber: String(named[index]?.number),
        ETag: part.etag,
      }
      throw new S3Error('EntityTooSmall', undefined, { details })
    }
  }
  return parts
}

/** The ETag of a multipart object: MD5 of the parts' MD5s, a dash and their number. */
export function multipartEtag(parts: readonly Part[]): string {
  const hash = createHash('md5')
  for (const { etag } of parts) hash.update(etag, 'hex')
  return `${hash.digest('hex')}-${parts.length}`
}

/** Copies bytes that are in the store already into a new place. */
export async function concatenate(
  sources: Iterable<AsyncIterable<Uint8Array>>,
  staging: Staging,
): Promise<{ staged: Staged; digests: Digests }> {
  const digester = plainDigester()
  try {
    for (const source of sources) {
      for await (const bytes of source) {
        digester.update(bytes)
        await staging.write(bytes)
      }
    }
    return { staged: await staging.finish(), digests: digester.end(new Map()) }
  } catch (error) {
    await staging.discard()
    throw error
  }
}
