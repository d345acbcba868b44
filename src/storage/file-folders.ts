import { opendir, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isTemporaryName } from './file-info.js'

/**
 * Removes the folders that held a file of unfinished work, `<index>.parts/<plan>/<number>`, if it was the last
 * one there: an object store would show none of them. Files that a killed process had begun to write count as
 * gone. Any other folder stays, empty or not.
 */
export async function removeEmptyFolders(path: string): Promise<void> {
  const plan = dirname(path)
  const parts = dirname(plan)
  if (!/^[0-9a-f]{8}-[\w-]+$/.test(basename(plan)) || !/.\.parts$/.test(basename(parts))) return
  try {
    const begun: string[] = []
    for await (const { name } of await opendir(plan)) {
      if (!isTemporaryName(name)) return
      begun.push(name)
    }
    for (const name of begun) await unlink(join(plan, name))
    await rmdir(plan)
    await rmdir(parts)
  } catch {
    // Another process put something there, or removed it first.
  }
}
