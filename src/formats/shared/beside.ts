import { isDataplugError } from '../../errors.js'
import type { Source } from '../../storage/source.js'
import type { Sources } from '../format.js'

// Stores that do not let one list say so of what is not there; a Blob has nothing beside it, a signed URL no name.
const HIDDEN = ['ACCESS_DENIED', 'UNSUPPORTED', 'INVALID_URI', 'INVALID_ARGUMENT'] as const

/** The first object of these names that lies beside the one at hand; undefined also where one may not look. */
export async function findBeside(
  { sibling }: Pick<Sources, 'sibling'>,
  names: Iterable<string>,
): Promise<Source | undefined> {
  for (const name of names) {
    const found = await sibling(name).catch((error: unknown) => {
      if (HIDDEN.some((code) => isDataplugError(error, code))) return undefined
      throw error
    })
    if (found) return found
  }
  return undefined
}
