import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const bundlePath = fileURLToPath(new URL('../../dist/lambda/index.mjs', import.meta.url))

export type Answer = { readonly ok: unknown } | { readonly errorType: string; readonly errorMessage: string }

// What Lambda's runtime does with a handler, as far as a handler can tell.
const runtime = `
const events = JSON.parse(await new Promise((resolve) => {
  let text = ''
  process.stdin.setEncoding('utf8').on('data', (piece) => { text += piece }).on('end', () => resolve(text))
}))
const { handler } = await import(process.cwd() + '/index.mjs')
const answers = []
for (const event of events) {
  answers.push(await handler(event).then(
    (ok) => ({ ok }),
    (error) => ({ errorType: error.name, errorMessage: error.message }),
  ))
}
process.stdout.write(JSON.stringify(answers))`

/** A folder with nothing in it but the bundle. */
export async function bareFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dataplug-lambda-'))
  await copyFile(bundlePath, join(folder, 'index.mjs'))
  return folder
}

/**
 * Gives events to the handler, one after the other, in a Node process that has the bundle and nothing else:
 * no node_modules, no variables but those given.
 */
export async function invoke(
  folder: string,
  events: readonly unknown[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Answer[]> {
  const found = await readdir(folder)
  if (found.join() !== 'index.mjs') throw new Error(`${folder} holds ${found.join()}`)
  const child = spawn(process.execPath, ['--input-type=module', '--eval', runtime], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      // The SDK's farewell to Node 20; anything else that is printed fails the test.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      output[name] += piece
    })
  }
  child.stdin.end(JSON.stringify(events))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`the process ended with ${code}: ${output.stderr}`)
  if (output.stderr !== '') throw new Error(`the handler printed: ${output.stderr}`)
  return JSON.parse(output.stdout) as Answer[]
}
