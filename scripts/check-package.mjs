// Checks package.json and the files that would be published with publint. Needs a build.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = fileURLToPath(new URL('..', import.meta.url))

if (!existsSync(`${root}dist/index.d.ts`)) {
  console.error('check-package: dist is missing or incomplete; run npm run build first')
  process.exit(1)
}
const { messages, pkg } = await publint({ pkgDir: root, pack: 'npm', level: 'suggestion' })
for (const message of messages) console.error(`${message.type}: ${formatMessage(message, pkg)}`)
console.log(`publint: ${messages.length === 0 ? 'nothing to say' : `${messages.length} messages`}`)
process.exitCode = messages.length === 0 ? 0 : 1
