import { DataplugError } from '../errors.js'
import type { ByteStream, CallOptions } from '../storage/store.js'

/** Writes a stream to a local file, whole or not at all. */
type WriteFile = (file: string | URL, bytes: ByteStream, options: CallOptions) => Promise<void>

let writeFile: WriteFile | undefined

/** Called by each entry point whose host has files. */
export function useFiles(write: WriteFile): void {
  writeFile = write
}

/** @throws UNSUPPORTED where there are no files, and as the host's own function */
export async function saveFile(
  file: string | URL,
  bytes: ByteStream,
  options: CallOptions = {},
): Promise<void> {
  if (!writeFile) {
    throw new DataplugError(
      'UNSUPPORTED',
      'there are no files here: toFile() works in Node with "dataplug" imported; use stream() elsewhere',
    )
  }
  await writeFile(file, bytes, options)
}
