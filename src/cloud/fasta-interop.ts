import { DataplugError } from '../errors.js'
import { exportFai, type IndexedFasta } from '../formats/fasta/fai.js'
import { buildFromFai } from '../formats/fasta/prepare.js'
import { openSource } from '../storage/source.js'
import type { CallOptions } from '../storage/store.js'
import type { CloudObject } from './cloud-object.js'
import { publishIndex } from './preprocess.js'

/** The `.fai` of an object, in pieces. @throws UNSUPPORTED when it is not opened as FASTA, and as `exportFai` */
export function exportFaiOf(object: CloudObject): AsyncGenerator<Uint8Array> {
  requireFasta(object)
  return exportFai(object as CloudObject & IndexedFasta)
}

/**
 * Publishes the index of a plain FASTA object by means of its `.fai`, which is believed after a look at some of the
 * headers it names. The object is to be opened again afterwards.
 *
 * @param name of the `.fai`, for messages
 * @throws UNSUPPORTED when the object is compressed or not opened as FASTA; INVALID_INDEX when the file is no `.fai`
 * or does not fit
 */
export async function importFai(
  object: CloudObject,
  bytes: Uint8Array,
  name: string,
  { signal }: CallOptions = {},
): Promise<void> {
  requireFasta(object)
  const { uri, size, etag, format, indexUri, storage, compression } = object
  if (compression !== undefined) {
    throw new DataplugError(
      'UNSUPPORTED',
      `${uri} is compressed, and a .fai says nothing of where its blocks are: put the .fai beside the object and preprocess it, or import its .gzi`,
      { uri },
    )
  }
  const info = { uri, size, etag }
  const built = await buildFromFai(bytes, name, openSource(storage.store, info, signal))
  const prepared = { options: {}, result: {} }
  await publishIndex(format, info, indexUri, storage, built, { signal, prepared })
}

function requireFasta({ uri, format }: CloudObject): void {
  if (format.name === 'fasta') return
  throw new DataplugError(
    'UNSUPPORTED',
    `a .fai is an index of FASTA, and ${uri} was opened as format ${format.name}; name it (command line: --format fasta)`,
    { uri },
  )
}
