import { readFile, writeFile } from 'node:fs/promises'
import { exportFaiOf, importFai } from '../cloud/fasta-interop.js'
import {
  exportGzipIndex,
  type GzipIndexKind,
  gzipIndexKinds,
  importGzipIndex,
} from '../cloud/gzip-interop.js'
import { DataplugError } from '../errors.js'
import { type Context, openObject, operand, write } from './context.js'
import { withWorkers } from './work.js'

// `index export` and `index import`: the indexes of gzip and FASTA objects that other programs make and use.

export async function exportIndex(context: Context): Promise<void> {
  const { args, signal, stdout } = context
  const kind = kindOf('to', args.to)
  const object = await openObject(context)
  const pieces = kind === 'fai' ? exportFaiOf(object) : [await exportGzipIndex(object, kind, { signal })]
  if (args.output === undefined) for await (const piece of pieces) await write(stdout, piece)
  else await writeFile(args.output, pieces)
}

export async function importIndex(context: Context): Promise<void> {
  const { args, signal } = context
  const kind = kindOf('from', args.from)
  const path = operand(context, 1)
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new DataplugError('NOT_FOUND', `the index file ${path} cannot be read: ${cause.message}`, { cause })
  })
  const object = await openObject(context)
  if (object.isPreprocessed() && !args.force) return
  if (kind === 'fai') return importFai(object, bytes, path, { signal })
  await withWorkers(context, (options) => importGzipIndex(object, kind, bytes, options))
}

const kinds = [...gzipIndexKinds, 'fai'] as const

function kindOf(flag: string, value: string | undefined): GzipIndexKind | 'fai' {
  const kind = kinds.find((known) => known === value)
  if (kind) return kind
  throw new DataplugError(
    'INVALID_ARGUMENT',
    `--${flag} must be one of ${kinds.join(', ')}${value === undefined ? '' : `; got "${value}"`}`,
  )
}
