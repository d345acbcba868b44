import type { Writable } from 'node:stream'
import type { Progress } from '../cloud/preprocess.js'

/** Shows progress on `stream`: a bar on a terminal, elsewhere a line at every tenth, JSON when asked. */
export function progressReporter(
  stream: Writable & { readonly isTTY?: boolean },
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): (progress: Progress) => void {
  if (quiet) return () => {}
  const started = performance.now()
  let lastTenth = -1
  return (progress) => {
    const { bytesDone, bytes, tasksDone, tasks } = progress
    const share = bytes === 0 ? 1 : bytesDone / bytes
    const tenth = Math.floor(share * 10)
    const seconds = (performance.now() - started) / 1000
    if (json) {
      stream.write(`${JSON.stringify({ ...progress, seconds: Number(seconds.toFixed(3)) })}\n`)
      return
    }
    const text = `${(share * 100).toFixed(0).padStart(3)} %  ${tasksDone}/${tasks} tasks  ${formatBytes(bytesDone)} of ${formatBytes(bytes)}`
    if (stream.isTTY) {
      const filled = Math.round(share * 30)
      stream.write(
        `\r${'█'.repeat(filled)}${'░'.repeat(30 - filled)} ${text}\x1b[K${tasksDone === tasks ? '\n' : ''}`,
      )
    } else if (tenth !== lastTenth) {
      lastTenth = tenth
      stream.write(`${text}  ${seconds.toFixed(1)} s\n`)
    }
  }
}

/** `1.5 GiB`, `640 B`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
