// The example plugin, as someone else's project sees it: both packages installed from their tarballs.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pack, run } from './shell.mjs'

const archive = Array.from(
  { length: 500 },
  (_, i) =>
    `From sender${i} now\nSubject: number ${i}\n\nDear reader,\n${'From is no start here.\n'.repeat(i % 40)}\n`,
).join('')

/**
 * @param {{ readonly root: string, readonly project: string, readonly tarballs: string }} places the repository,
 * a folder in which dataplug's tarball is installed, and one for tarballs
 * @returns {(readonly [name: string, run: () => void])[]}
 */
export function pluginChecks({ root, project, tarballs }) {
  const source = join(root, 'examples/plugin-mbox')
  const mail = join(project, 'archive.mbox')
  const bin = join(project, 'node_modules/.bin/dataplug')
  const dataplug = (args, options = {}) =>
    run('npx', ['--no-install', 'dataplug', '--plugin', 'dataplug-mbox', ...args], {
      cwd: project,
      ...options,
    })
  const node = (code) => run(process.execPath, ['--input-type=module', '--eval', code], { cwd: project })
  const slices = () =>
    dataplug(['partition', mail, 'partitionMessages', '--messages-per-slice', '64']).trimEnd().split('\n')

  return [
    [
      'plugin: its tarball installs beside that of dataplug',
      () => {
        const tarball = pack(source, tarballs)
        run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project })
        writeFileSync(mail, archive)
      },
    ],
    [
      'plugin: its tests pass, conformance in one thread and in several',
      () => {
        cpSync(join(source, 'test'), join(project, 'test'), { recursive: true })
        const output = run(process.execPath, ['--test', '--test-reporter=spec', 'test/'], { cwd: project })
        assert.match(output, /✔ worker threads give what one thread gives/)
      },
    ],
    [
      'plugin: its types fit those of dataplug',
      () => {
        cpSync(source, join(project, 'types'), { recursive: true })
        rmSync(join(project, 'types/test'), { recursive: true })
        const options = [
          '--noEmit',
          '--strict',
          '--allowJs',
          '--checkJs',
          '--module',
          'nodenext',
          '--target',
          'es2022',
        ]
        run(
          join(root, 'node_modules/.bin/tsc'),
          [...options, '--ignoreConfig', '--types', '', 'types/mbox.js'],
          {
            cwd: project,
          },
        )
      },
    ],
    [
      'plugin: the command line finds it, detects its format and preprocesses in threads',
      () => {
        assert.match(dataplug(['formats']), /^mbox .*partitionMessages, partitionNumChunks$/m)
        const indexes = [
          ['--chunk-size', '1MiB'],
          ['--workers', '2', '--chunk-size', '997'],
        ].map((flags) => {
          dataplug(['preprocess', mail, '--force', '--quiet', ...flags])
          return readFileSync(`${mail}.dataplug`)
        })
        assert.deepEqual(indexes[0], indexes[1])
        const { format, attributes } = JSON.parse(dataplug(['info', mail, '--json']))
        assert.deepEqual([format, attributes.totalMessages], ['mbox', 500])
      },
    ],
    [
      'plugin: slices made on the command line verify, and give back the archive',
      () => {
        const input = slices().join('\n')
        assert.equal(slices().length, Math.ceil(500 / 64))
        assert.match(dataplug(['verify', mail], { input }), /^tiling +exact$/m)
        assert.equal(dataplug(['get'], { input }), archive)
        const lossy = slices().slice(0, -1).join('\n')
        assert.throws(() => dataplug(['verify', mail], { input: lossy }), /in no slice/)
      },
    ],
    [
      'plugin: plan, task and merge on the command line give the same index',
      () => {
        const expected = readFileSync(`${mail}.dataplug`)
        const tasks = dataplug(['plan', mail, '--chunk-size', '4096'])
        const results = dataplug(['task'], { input: tasks })
        dataplug(['clean', mail])
        dataplug(['merge', mail], { input: results })
        assert.deepEqual(readFileSync(`${mail}.dataplug`), expected)
      },
    ],
    [
      'plugin: a Lambda handler in a module that imports it takes its slices',
      () => {
        const event = JSON.stringify(slices()[1])
        const code = `
          import 'dataplug-mbox'
          import { createHandler } from 'dataplug/lambda'
          const map = async (slice) => (await slice.get()).map(({ number }) => number)
          console.log(JSON.stringify(await createHandler({ map })(${event})))`
        assert.deepEqual(
          JSON.parse(node(code)).value,
          Array.from({ length: 64 }, (_, i) => 64 + i),
        )
      },
    ],
    [
      'plugin: a browser bundle of it reaches nothing of Node',
      () => {
        const entry = join(project, 'browser.js')
        writeFileSync(entry, "export { CloudObject } from 'dataplug'\nexport * from 'dataplug-mbox'\n")
        const esbuild = join(root, 'node_modules/.bin/esbuild')
        const code = run(esbuild, [entry, '--bundle', '--format=esm', '--platform=browser'], { cwd: project })
        assert.match(code, /partitionMessages/)
        assert.doesNotMatch(code, /from ["']node:|@aws-sdk|piscina/i)
      },
    ],
    [
      'plugin: without --plugin, what to do is said',
      () => {
        const [slice] = slices()
        assert.throws(
          () => run(bin, ['get'], { cwd: project, input: slice }),
          /no format "mbox" is known here.*--plugin MODULE/,
        )
      },
    ],
  ]
}
